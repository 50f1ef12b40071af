// zlib for Lua, without a line of C written by hand. See docs/bind.md for the annotations.
#include <zlib.h>

/* module: bound_zlib */

/* nogil */
unsigned long crc32(unsigned long crc, const unsigned char *data /* bytes */, unsigned int n /* length of data */);

/* nogil */
unsigned long adler32(unsigned long adler, const unsigned char *data /* bytes */, unsigned int n /* length of data */);

/* gil; name: bound */
unsigned long compressBound(unsigned long n);

/* nogil; name: compress; error: nonzero; message: zError(result) */
int compress2(unsigned char *dest /* out bytes */, unsigned long *dest_length /* length of dest */,
              const unsigned char *data /* bytes */, unsigned long n /* length of data */, int level);

/* nogil; error: nonzero; message: zError(result) */
int uncompress(unsigned char *dest /* out bytes */, unsigned long *dest_length /* length of dest */,
               const unsigned char *data /* bytes */, unsigned long n /* length of data */);

/* gil; name: version */
const char *zlibVersion(void);

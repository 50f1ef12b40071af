/* Text for readers may stand here,
   on several lines. */
#include "all.h"

/* module: bound_all */
/* prefix: thing_ */
/* handle: Thing closed by free */
/** As may this. */

enum Colour { RED, GREEN = 5, BLUE };
typedef enum { SMALL = -1, LARGE = 1 } Size;

enum Colour next_colour(enum Colour c);
Size grow(Size *s /* inout */);

/** Text of the library's own. */
/* name: invert */
bool not(bool b, bool *same /* out */);
void cross(const double a[3], const double b[3], double c[3] /* out */);
void rotate(int16_t v[4] /* inout */);
void digest(const void *data /* bytes */, size_t n /* length of data */, uint8_t out[4] /* out bytes */);
void name_of(int n, char name[8] /* out */);

/* free: free */
char *twice(const char *s);
const char *word(int n);
extern int sum_of(int (*f)(int, const char *text, bool, double, void *data) /* callback */, void *data /* data of f */, int n);
void each(int n, void (*f)(void *, int i) /* callback */, void *data /* data of f */);

/* error: null; message: "no // thing; none" */
Thing *thing(int n);
int thing_n(const Thing *t);
int add(int a,
        int b);
double mean(const float *data /* array */, size_t n /* length of data */);

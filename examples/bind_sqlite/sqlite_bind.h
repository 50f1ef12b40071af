// A small part of SQLite for Lua: handles that are closed by the collector, or by <close>.
#include <sqlite3.h>

/* module: bound_sqlite */

/* prefix: sqlite3_ */

/* handle: sqlite3 closed by sqlite3_close_v2 */

/* handle: sqlite3_stmt closed by sqlite3_finalize */

/* type: sqlite3_int64 is int64_t */

/* error: nonzero; message: sqlite3_errstr(result) */
int sqlite3_open(const char *path, sqlite3 **db /* out */);

/* error: nonzero; message: sqlite3_errmsg((sqlite3 *)v_db->object) */
int sqlite3_exec(sqlite3 *db, const char *sql,
                 void *callback /* null */, void *arg /* null */, char **message /* null */);

/* error: nonzero; message: sqlite3_errmsg((sqlite3 *)v_db->object) */
int sqlite3_prepare_v2(sqlite3 *db, const char *sql /* bytes */, int n /* length of sql */,
                       sqlite3_stmt **statement /* out */, const char **tail /* null */);

int sqlite3_step(sqlite3_stmt *statement);

/* error: nonzero; message: sqlite3_errstr(result) */
int sqlite3_bind_double(sqlite3_stmt *statement, int index, double value);

/* error: nonzero; message: sqlite3_errstr(result) */
int sqlite3_reset(sqlite3_stmt *statement);

/* gil */
sqlite3_int64 sqlite3_column_int64(sqlite3_stmt *statement, int column);

/* gil */
double sqlite3_column_double(sqlite3_stmt *statement, int column);

/* gil; name: changes */
int sqlite3_changes(sqlite3 *db);

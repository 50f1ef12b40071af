/* Whether all code of this process is ours and the C library's. */
#ifndef GILUA_RUNTIME_STATE_OWN_CODE_H
#define GILUA_RUNTIME_STATE_OWN_CODE_H

#include <stdbool.h>

/* own_code_only says that all code in this process is ours and the C library's, as when the program starts; own_code_left
 * that Lua may call functions of other code from now on without loading it. own_code_still tells whether it is all ours
 * still: nobody else can have installed a handler of a signal. Any thread. */
void own_code_only(void);
void own_code_left(void);
bool own_code_still(void);

#endif

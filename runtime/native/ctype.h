/* C types as ctypes knows them: what a value of the type looks like in memory, and how libffi passes it.
 *
 * A type is a userdata that lives as long as something of it: a type keeps those that it is made of, a pointer its
 * type, a function all of its own. Types by name are made once a state; two types made of the same parts are the same
 * type, but every struct and union is a type of its own, as in C.
 */
#ifndef GILUA_RUNTIME_NATIVE_CTYPE_H
#define GILUA_RUNTIME_NATIVE_CTYPE_H

#include <ffi.h>
#include <stdint.h>

#include "runtime/state/object.h"

typedef enum CKind {
  C_VOID,
  C_BOOL,
  C_CHAR, /* `char` itself: a char* is a string, an int8_t* is not */
  C_I8,
  C_U8,
  C_I16,
  C_U16,
  C_I32,
  C_U32,
  C_I64,
  C_U64,
  C_FLOAT,
  C_DOUBLE,
  C_LONG_DOUBLE,
  C_POINTER,
  C_BUFFER, /* parameters only: a pointer to the elements of a native.buffer */
  C_STRUCT,
  C_ARRAY, /* not a parameter or result, as in C */
} CKind;

typedef struct CType CType;

typedef struct CField {
  const CType *type;
  size_t offset;
} CField;

struct CType {
  ObjectHead head;
  CKind kind;           /* all [i] */
  size_t size, align;   /* bytes; size 0: void */
  size_t count;         /* array: elements; struct: fields */
  const CType *element; /* pointer: what it points at; array */
  CField *fields;       /* struct, union */
  ffi_type *ffi;        /* how it is passed; NULL: it cannot be (void but as a result, arrays, unions) */
  ffi_type own;         /* struct: what ffi points at */
  bool is_union;
  bool has_pointers;    /* there are pointers in a value of it */
  unsigned depth;       /* of structs and arrays in it, at most CTYPE_DEEPEST: functions of ours and of libffi recurse */
};

enum { CTYPE_DEEPEST = 200 };

/* User values of a type: its name; a table of what it needs (types, memory); struct: {field name = number} */
enum { CTYPE_NAME = 1, CTYPE_KEEPS, CTYPE_FIELDS, CTYPE_VALUES = CTYPE_FIELDS };

extern const ObjectType ctype_type;

/* ctype_open makes the metatable and the table of types by name; once a state. */
void ctype_open(lua_State *L);

/* ctype_check pushes the type that the value at index i names: a type, or its name as in C ("unsigned int", "double*",
 * "char[16]"). Raises an argument error. ctype_check_in is for a value that stands in argument number arg, `where`: "field 'x': ". */
const CType *ctype_check(lua_State *L, int i);
const CType *ctype_check_in(lua_State *L, int i, int arg, const char *where);

/* ctype_push_pointer pushes the type of pointers to the type at index i; ctype_push_array that of n of it. */
const CType *ctype_push_pointer(lua_State *L, int i);
const CType *ctype_push_array(lua_State *L, int i, size_t n);

/* ctype_push_struct pushes a new struct (or union) with the fields that the table at index i lists. */
const CType *ctype_push_struct(lua_State *L, int i, bool is_union);

/* ctype_push_self pushes the type's own userdata, which exists as long as the type. ctype_push_name pushes its name. */
void ctype_push_self(lua_State *L, const CType *type);
const char *ctype_push_name(lua_State *L, const CType *type);

/* ctype_same tells whether both are the same type. */
bool ctype_same(const CType *a, const CType *b);

/* ctype_field returns the field that the value at index key names, or NULL. */
const CField *ctype_field(lua_State *L, const CType *type, int key);

static inline bool ctype_is_string(const CType *type) {
  return type->kind == C_POINTER && type->element->kind == C_CHAR;
}
static inline bool ctype_is_integer(const CType *type) { return type->kind >= C_CHAR && type->kind <= C_U64; }

#endif

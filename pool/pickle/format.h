/* The bytes of a message.
 *
 *   message   version (1 byte), count (varint), that many values
 *   varint    7 bits a byte, the lowest first, bit 7: more follow
 *   value     a tag of one byte and what it asks for; integers and floats are little-endian
 *
 * A string of up to 40 bytes that occurs again is a TAG_STRING_DEFINE the second time, which gives it the next number
 * from 0, and a reference to the number from then on: a record's keys cost one byte each, and what occurs once nothing.
 * Other values are referred to by the offset of their tag in the message, whose lowest bit is set once somebody does
 * (TAG_SHARED), so that a reader keeps only what it will be asked for.
 *
 *   table     tag, log2 of the places for pairs + 1 (1 byte; 0: no pairs), count of the list (1 or 4 bytes, or none),
 *             the list (nil where it has a hole), pairs key, value … TAG_END (unless 0), the metatable (TABLE_META)
 *   function  tag, bytecode or its id, count of captured variables (1 byte); each is TAG_UPVALUE and a value, or
 *             TAG_UPVALUE_JOIN and the offset of the TAG_UPVALUE of the variable that it shares, or of the plain
 * function
 *             whose only variable it is
 *   reduce    tag, count (varint), constructor, arguments
 *
 * Tasks number what they hold by value, from 1, so that it returns as itself: the number (varint) stands behind the id
 * of a function and behind a metatable, there 0 if it has none.
 */
#ifndef GILUA_POOL_PICKLE_FORMAT_H
#define GILUA_POOL_PICKLE_FORMAT_H

enum {
  TAG_SMALL = 0x00,      /* … 0x7F: the integers 0 … 127 */
  TAG_STRING = 0x80,     /* … 0x9F: a string of 0 … 31 bytes */
  TAG_STRING_REF = 0xA0, /* … 0xBF: the strings numbered 0 … 31 */
  TAG_TABLE = 0xC0,      /* … 0xCB: with the bits below */
  TAG_NIL = 0xD0,
  TAG_FALSE,
  TAG_TRUE,
  TAG_INT8,
  TAG_INT16,
  TAG_INT32,
  TAG_INT64,
  TAG_FLOAT,
  TAG_STRING_DEFINE,   /* varint length, bytes: takes the next number */
  TAG_STRING_REF_FAR,  /* varint number */
  TAG_STRING_LONG,     /* varint length, bytes; + TAG_SHARED */
  TAG_FUNCTION = 0xE0, /* bytecode: varint length, bytes; + TAG_SHARED, as the four below */
  TAG_FUNCTION_ID = 0xE2,   /* varint id of bytecode that the link has */
  TAG_FUNCTION_PLAIN = 0xE4, /* the same, and it captures nothing but the globals: no count follows */
  TAG_REDUCE = 0xE6,
  TAG_MODULE = 0xE8,   /* string m: package.loaded[m] */
  TAG_NAME = 0xEA,     /* strings m, k: package.loaded[m][k] */
  TAG_ORIGIN = 0xEC,   /* varint n: the n-th function or metatable of the task whose results these are */
  TAG_UPVALUE = 0xEE,
  TAG_REF = 0xF0,      /* varint offset */
  TAG_GLOBALS,
  TAG_UPVALUE_JOIN,    /* varint offset */
  TAG_PATH = 0xF4,     /* 1 byte n, n strings: package.loaded[m][k]…; + TAG_SHARED */
  TAG_KNOWN = 0xF6,    /* varint n: the n-th object that both ends of the link had at the fork; + TAG_SHARED */
  TAG_END = 0xFF,

  TAG_SHARED = 1,
  TABLE_META = 2,
  TABLE_LIST8 = 4,  /* the count takes 1 byte */
  TABLE_LIST32 = 8, /* 4 bytes */

  SHORT_STRING = 40,    /* bytes: Lua keeps strings up to here once, so that their address tells them apart */
  LONGEST_SOURCE = 4096 /* bytes of a chunk's name; of a longer one bytecode has the short form */
};

#endif

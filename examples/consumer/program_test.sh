#!/bin/sh
# The program does what it should.
[ "$(./program)" = 55 ]

// Counts a program's calls of the system, whatever library makes them: each imported function of a list is replaced by
// a few instructions that count and go on to it.
#pragma once

/// Before the first call that is to be counted. Then prints, for each line that comes on the standard input, one JSON
/// object with the calls so far, by name; at its end the program exits.
void count_calls();

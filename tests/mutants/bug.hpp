// The bug that a program has built in.
#pragma once

struct Bug {
  const char* name;     ///< Empty: none; it is the program that runs the others.
  const char* options;  ///< Of `simulate`, where its run does not say otherwise; separated by blanks.
};

extern const Bug built_in;

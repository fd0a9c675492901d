// SMPPD_FLATTEN in front of a function: all that it calls becomes part of it. Not where the program is optimised as a
// whole, with a profile: there it would be all that can be reached, minutes and gigabytes of it, and the profile says
// what is worth it.
#pragma once

#ifdef SMPPD_WHOLE_PROGRAM
#define SMPPD_FLATTEN
#else
#define SMPPD_FLATTEN [[gnu::flatten]]
#endif

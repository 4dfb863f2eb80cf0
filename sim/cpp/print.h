// Forced into every translation unit of a model: $display goes to the program's log, not to its standard output.
#pragma once
#ifdef __cplusplus
int ringside_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
#endif

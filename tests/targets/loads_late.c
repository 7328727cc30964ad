/* SPDX-License-Identifier: MIT */
/* A program that loads an interpreter when it is first needed, as servers and editors do:
 * loads_late LIBRARY, which it does once a line has come on standard input. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int (*run)(const char *);
	void (*initialize)(void);
	char line[16];
	void *library;

	if (argc != 2 || !fgets(line, sizeof(line), stdin))
		return 2;
	library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	if (!library)
		return 3;
	initialize = dlsym(library, "Py_Initialize");
	run = dlsym(library, "PyRun_SimpleString");
	initialize();
	for (int i = 0; i < 5; i++)
		run("def late(n):\n    return n + 1\nlate(1)\n");
	/* A collector that did not start us cannot have been quick enough for these. */
	return run("import time\nfor n in range(300):\n    late(n)\n    time.sleep(0.01)\n");
}

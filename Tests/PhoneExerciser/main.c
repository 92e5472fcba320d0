/* The phone as an app in C has it. Usage: PhoneExerciser run|misuse FOLDER NOW */
#include <stdlib.h>
#include <string.h>

#include "exerciser.h"

int main(int count, char **arguments) {
    if (count == 4 && strcmp(arguments[1], "run") == 0) {
        run(arguments[2], atoll(arguments[3]));
    } else if (count == 4 && strcmp(arguments[1], "misuse") == 0) {
        misuse(arguments[2], atoll(arguments[3]));
    } else {
        fputs("usage: PhoneExerciser run|misuse FOLDER NOW\n", stderr);
        return 64;
    }
    return 0;
}

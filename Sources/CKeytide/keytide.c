/* The functions of keytide.h are in Sources/PhoneLibrary. This file lets a compiler see that the header stands alone. */
#include "keytide.h"

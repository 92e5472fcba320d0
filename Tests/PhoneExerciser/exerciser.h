/* What the parts of the exerciser share. */
#ifndef EXERCISER_H
#define EXERCISER_H

#include <keytide.h>
#include <stdio.h>

/* How the world answers: as its files say, or in one of the ways in which an app or a node can fail. */
enum answering {
    HONEST,
    /* Every body is another text. */
    GARBAGE,
    /* The callback says that no answer came. */
    UNREACHABLE,
    /* The callback says that there was one, and gave none. */
    SILENT,
    /* Bodies without an end. */
    ENDLESS,
    /* Cancels the sync at the third request. */
    CANCELLING,
    /* Calls the library from within the callback. */
    REENTERING
};

/* A folder with what nodes answer: a file for each path, slashes written as underscores; its ETag is its size. */
struct world {
    const char *folder;
    enum answering answering;
    /* For CANCELLING and REENTERING. */
    keytide_phone *phone;
    int requests;
    /* What a call from within the callback returned. */
    keytide_code reentered;
};

/* Bytes of a file of the folder, ended by a zero that count leaves out; the caller frees them. NULL if it is not there. */
unsigned char *world_file(const struct world *world, const char *name, size_t *count);

/* A keytide_get; context is a struct world. */
int world_get(void *context, const keytide_request *request, keytide_response *response);

/* Bytes that keytide_save gave. */
struct kept {
    unsigned char *bytes;
    size_t count;
    /* Not 0 to refuse them. */
    int refuses;
};

/* A keytide_write; context is a struct kept. */
int kept_write(void *context, const uint8_t *bytes, size_t count);

/* Ends the program, naming the place, unless what is expected holds. */
#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* A phone for the folder's file of authorities. */
keytide_phone *new_phone(const struct world *world);

/* Goes through all that a phone does, and prints what it gives. */
void run(const char *folder, int64_t now);
/* Gives every function what it must refuse. */
void misuse(const char *folder, int64_t now);

#endif

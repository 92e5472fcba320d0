/* The node, out of files; and the place for a state. */
#include <stdlib.h>
#include <string.h>

#include "exerciser.h"

unsigned char *world_file(const struct world *world, const char *name, size_t *count) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    unsigned char *bytes = NULL;
    size_t capacity = 0;
    *count = 0;
    for (;;) {
        if (*count + 1 >= capacity) {
            capacity = capacity * 2 + 4096;
            bytes = realloc(bytes, capacity);
            EXPECT(bytes != NULL);
        }
        size_t got = fread(bytes + *count, 1, capacity - *count - 1, file);
        if (got == 0) break;
        *count += got;
    }
    fclose(file);
    bytes[*count] = 0;
    return bytes;
}

/* The file's bytes in two pieces, as a connection would bring them; or its ETag alone. */
static int answer_file(const struct world *world, const keytide_request *request, keytide_response *response) {
    char name[256], etag[64];
    size_t count = 0;
    snprintf(name, sizeof name, "%s", request->path);
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '_';
    unsigned char *bytes = world_file(world, name, &count);
    if (!bytes) {
        EXPECT(keytide_respond(response, 404, NULL) == KEYTIDE_OK);
        return 0;
    }
    snprintf(etag, sizeof etag, "\"%zu\"", count);
    if (request->if_none_match && strcmp(request->if_none_match, etag) == 0) {
        EXPECT(keytide_respond(response, 304, etag) == KEYTIDE_OK);
    } else {
        EXPECT(keytide_respond(response, 200, etag) == KEYTIDE_OK);
        EXPECT(count <= request->limit);
        EXPECT(keytide_respond_body(response, bytes, count / 2) == KEYTIDE_OK);
        EXPECT(keytide_respond_body(response, bytes + count / 2, count - count / 2) == KEYTIDE_OK);
    }
    free(bytes);
    return 0;
}

static int answer_endlessly(const keytide_request *request, keytide_response *response) {
    static const unsigned char piece[1 << 16];
    EXPECT(keytide_respond(response, 200, NULL) == KEYTIDE_OK);
    for (size_t given = 0; given <= request->limit; given += sizeof piece) {
        keytide_code code = keytide_respond_body(response, piece, sizeof piece);
        if (code == KEYTIDE_TOO_MANY) return 0;
        EXPECT(code == KEYTIDE_OK);
    }
    EXPECT(!"a body beyond the limit is refused");
    return 0;
}

int world_get(void *context, const keytide_request *request, keytide_response *response) {
    struct world *world = context;
    world->requests++;
    switch (world->answering) {
    case HONEST: break;
    case GARBAGE:
        EXPECT(keytide_respond(response, 200, "\"g\"") == KEYTIDE_OK);
        EXPECT(keytide_respond_body(response, "no roster, no index\n", 20) == KEYTIDE_OK);
        return 0;
    case UNREACHABLE: return -1;
    case SILENT: return 0;
    case ENDLESS: return answer_endlessly(request, response);
    case CANCELLING:
        if (world->requests == 3) EXPECT(keytide_cancel(world->phone) == KEYTIDE_OK);
        break;
    case REENTERING: world->reentered = keytide_match(world->phone, 0, 0, NULL); break;
    }
    return answer_file(world, request, response);
}

int kept_write(void *context, const uint8_t *bytes, size_t count) {
    struct kept *kept = context;
    if (kept->refuses) return 1;
    free(kept->bytes);
    kept->bytes = malloc(count);
    EXPECT(kept->bytes != NULL);
    memcpy(kept->bytes, bytes, count);
    kept->count = count;
    return 0;
}

keytide_phone *new_phone(const struct world *world) {
    size_t count = 0;
    char message[200];
    keytide_phone *phone = NULL;
    char *authorities = (char *)world_file(world, "authorities", &count);
    keytide_options options = {.authorities = authorities, .regions = NULL, .witnesses = 0};
    keytide_code code = keytide_create(&options, &phone, message, sizeof message);
    if (code != KEYTIDE_OK) fprintf(stderr, "%s: %s\n", keytide_code_text(code), message);
    EXPECT(code == KEYTIDE_OK && phone != NULL && message[0] == 0);
    free(authorities);
    return phone;
}

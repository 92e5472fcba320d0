/* What an app can do wrong, and what nodes and disks can: every one of it has a code, and leaves the phone usable. */
#include <stdlib.h>
#include <string.h>

#include "exerciser.h"

static const uint8_t key[KEYTIDE_KEY_BYTES] = {9, 8, 7};
static const int64_t never = 253402300800;

static int checks;

/* The last call's message, for failures that must have one. */
static void expect_message(keytide_phone *phone) {
    char message[600], cut[8];
    size_t length = keytide_message(phone, message, sizeof message);
    EXPECT(length > 1 && length == strlen(message) + 1);
    EXPECT(keytide_message(phone, NULL, 0) == length);
    EXPECT(keytide_message(phone, cut, sizeof cut) == length && strlen(cut) <= 7 && strncmp(cut, message, strlen(cut)) == 0);
}

#define REFUSED(call, code) \
    do { \
        EXPECT((call) == (code)); \
        checks++; \
    } while (0)

static void without_a_phone(void) {
    size_t size = 0;
    int64_t next = 0;
    keytide_day day;
    keytide_match_result result;
    struct world world = {0};
    keytide_free(NULL);
    REFUSED(keytide_message(NULL, NULL, 0), 0);
    REFUSED(keytide_add_sightings(NULL, NULL, 0, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_erase_sightings(NULL, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_sync(NULL, "http://a", 0, world_get, &world, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_cancel(NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_next_sync(NULL, 1, 0, &next), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_evidence_count(NULL, &size), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_match(NULL, 0, 0, &result), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_last_match(NULL, 0, &result), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_get_day(NULL, 0, &day), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_explain(NULL, 0, 0, 0, NULL, 0, &size), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_save(NULL, key, kept_write, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_load(NULL, key, key, sizeof key), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_respond(NULL, 200, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_respond_body(NULL, key, sizeof key), KEYTIDE_NULL_ARGUMENT);
    for (int code = -1; code < 20; code++) EXPECT(keytide_code_text(code)[0] != 0);
}

static void wrong_options(const char *authorities) {
    char message[200];
    keytide_phone *phone = (keytide_phone *)message;
    keytide_options options = {.authorities = authorities};
    REFUSED(keytide_create(&options, NULL, NULL, 0), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_create(NULL, &phone, NULL, 0), KEYTIDE_NULL_ARGUMENT);
    EXPECT(phone == NULL);
    options.authorities = NULL;
    REFUSED(keytide_create(&options, &phone, message, sizeof message), KEYTIDE_NULL_ARGUMENT);
    EXPECT(strstr(message, "authorities") != NULL);
    options.authorities = "threshold 1\nno key\n";
    REFUSED(keytide_create(&options, &phone, message, sizeof message), KEYTIDE_OUT_OF_RANGE);
    EXPECT(strstr(message, "line 2") != NULL && phone == NULL);
    options.authorities = "\xff\xfe";
    REFUSED(keytide_create(&options, &phone, message, 5), KEYTIDE_OUT_OF_RANGE);
    EXPECT(strlen(message) == 4);
    options.authorities = authorities;
    options.witnesses = 9;
    REFUSED(keytide_create(&options, &phone, NULL, 100), KEYTIDE_OUT_OF_RANGE);
    options.witnesses = -1;
    REFUSED(keytide_create(&options, &phone, NULL, 0), KEYTIDE_OUT_OF_RANGE);
    options.witnesses = 8;
    options.regions = "VN-01,hanoi";
    REFUSED(keytide_create(&options, &phone, message, sizeof message), KEYTIDE_OUT_OF_RANGE);
    options.regions = "VN-01,VN-79";
    EXPECT(keytide_create(&options, &phone, message, sizeof message) == KEYTIDE_OK);
    keytide_free(phone);
}

static void wrong_sightings(keytide_phone *phone) {
    const keytide_sighting good = {.time = 1627776000, .strength = KEYTIDE_RSSI, .level = -60};
    size_t added = 77;
    REFUSED(keytide_add_sightings(phone, NULL, 1, &added), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_add_sightings(phone, &good, KEYTIDE_MAXIMUM_SIGHTINGS + 1, &added), KEYTIDE_TOO_MANY);
    REFUSED(keytide_add_sightings(phone, &good, (size_t)-1, &added), KEYTIDE_TOO_MANY);
    keytide_sighting wrong[8];
    for (int i = 0; i < 8; i++) wrong[i] = good;
    wrong[0].time = -1;
    wrong[1].time = never;
    wrong[2].schedule = 2;
    wrong[3].strength = 3;
    wrong[4].level = 21;
    wrong[5].level = -128;
    wrong[6].strength = KEYTIDE_ATTENUATION, wrong[6].level = 256;
    wrong[7].strength = KEYTIDE_RSSI_AND_METADATA, wrong[7].schedule = KEYTIDE_BLUEZONE;
    for (int i = 0; i < 8; i++) {
        /* What is good is kept: the first time it is new. */
        keytide_sighting both[2] = {good, wrong[i]};
        EXPECT(i > 0 || added == 77);
        REFUSED(keytide_add_sightings(phone, both, 2, &added), KEYTIDE_OUT_OF_RANGE);
        EXPECT(added == (i == 0 ? 1 : 0));
        expect_message(phone);
    }
    EXPECT(keytide_add_sightings(phone, NULL, 0, &added) == KEYTIDE_OK && added == 0);
    EXPECT(keytide_add_sightings(phone, &good, 1, NULL) == KEYTIDE_OK);
    keytide_log counts;
    REFUSED(keytide_log_counts(phone, good.time, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_log_counts(phone, never, &counts), KEYTIDE_OUT_OF_RANGE);
    EXPECT(keytide_log_counts(phone, good.time, &counts) == KEYTIDE_OK);
    EXPECT(counts.sightings == 1 && counts.set_aside == 0 && counts.lost == 0 && counts.scans == 0);
    EXPECT(keytide_log_counts(phone, good.time - 7201, &counts) == KEYTIDE_OK && counts.set_aside == 1);
    EXPECT(keytide_message(phone, NULL, 0) == 1);
    EXPECT(keytide_erase_sightings(phone, &added) == KEYTIDE_OK && added == 1);
}

static void wrong_scans(keytide_phone *phone) {
    const int64_t good[3] = {1627776300, 1627776000, 1627776300};
    const int64_t wrong[2][2] = {{1627776000, -1}, {never, 1627776000}};
    size_t added = 77;
    REFUSED(keytide_add_scans(phone, NULL, 1, &added), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_add_scans(phone, good, KEYTIDE_MAXIMUM_SCANS + 1, &added), KEYTIDE_TOO_MANY);
    REFUSED(keytide_add_scans(phone, good, (size_t)-1, &added), KEYTIDE_TOO_MANY);
    EXPECT(added == 77);
    for (int i = 0; i < 2; i++) {
        REFUSED(keytide_add_scans(phone, wrong[i], 2, &added), KEYTIDE_OUT_OF_RANGE);
        EXPECT(added == (i == 0 ? 1 : 0));
    }
    expect_message(phone);
    EXPECT(keytide_add_scans(phone, NULL, 0, &added) == KEYTIDE_OK && added == 0);
    EXPECT(keytide_add_scans(phone, good, 3, &added) == KEYTIDE_OK && added == 1);
    EXPECT(keytide_add_scans(phone, good, 2, NULL) == KEYTIDE_OK);
    EXPECT(keytide_erase_sightings(phone, &added) == KEYTIDE_OK && added == 0);
    EXPECT(keytide_add_scans(phone, good, 1, &added) == KEYTIDE_OK && added == 1);
    EXPECT(keytide_erase_sightings(phone, NULL) == KEYTIDE_OK);
}

static void wrong_arguments(keytide_phone *phone, struct world *world, int64_t now) {
    char buffer[8], url[300];
    size_t size = 0;
    int64_t next = 0;
    keytide_match_result result;
    memset(url, 'a', sizeof url - 1);
    url[sizeof url - 1] = 0;
    REFUSED(keytide_sync(phone, NULL, now, world_get, world, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_sync(phone, "http://a", now, NULL, world, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_sync(phone, "http://a", -1, world_get, world, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_sync(phone, "", now, world_get, world, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_sync(phone, url, now, world_get, world, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_next_sync(phone, 1, now, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_next_sync(phone, 1, never, &next), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_evidence_count(phone, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_match(phone, INT64_MIN, 0, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_match(phone, now, -1, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_match(phone, now, 86400, NULL), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_last_match(phone, now, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_last_match(phone, -1, &result), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_last_match(phone, now, &result), KEYTIDE_NOTHING);
    REFUSED(keytide_get_day(phone, 0, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_explain(phone, 0, now, 0, buffer, sizeof buffer, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_explain(phone, 2, now, 0, buffer, sizeof buffer, &size), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_explain(phone, 0, never, 0, buffer, sizeof buffer, &size), KEYTIDE_OUT_OF_RANGE);
    REFUSED(keytide_explain(phone, 0, now, 0, buffer, sizeof buffer, &size), KEYTIDE_NOTHING);
    REFUSED(keytide_save(phone, NULL, kept_write, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_save(phone, key, NULL, NULL), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_load(phone, NULL, key, sizeof key), KEYTIDE_NULL_ARGUMENT);
    REFUSED(keytide_load(phone, key, NULL, 10), KEYTIDE_NULL_ARGUMENT);
    expect_message(phone);
    EXPECT(world->requests == 0);
}

/* A node or a connection that fails, in each way; afterwards the phone syncs as if nothing had been. */
static void failing_nodes(keytide_phone *phone, struct world *world, int64_t now) {
    const struct {
        enum answering answering;
        keytide_code code;
    } cases[] = {
        {GARBAGE, KEYTIDE_BAD_NODE}, {UNREACHABLE, KEYTIDE_NO_ANSWER}, {SILENT, KEYTIDE_NO_ANSWER},
        {ENDLESS, KEYTIDE_BAD_NODE}, {CANCELLING, KEYTIDE_CANCELLED},
    };
    keytide_sync_result result;
    memset(&result, 0x55, sizeof result);
    const keytide_sync_result before = result;
    world->phone = phone;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world->answering = cases[i].answering;
        world->requests = 0;
        REFUSED(keytide_sync(phone, "http://vn-01.example", now, world_get, world, &result), cases[i].code);
        expect_message(phone);
        EXPECT(memcmp(&result, &before, sizeof result) == 0);
        EXPECT(world->requests == (cases[i].answering == CANCELLING ? 3 : 1));
    }
    world->answering = REENTERING;
    EXPECT(keytide_sync(phone, "http://vn-01.example", now, world_get, world, &result) == KEYTIDE_OK);
    EXPECT(result.is_up_to_date);
    REFUSED(world->reentered, KEYTIDE_BUSY);
}

/* States that are none; each leaves what the phone holds as it was. */
static void wrong_states(keytide_phone *phone, int64_t now) {
    struct kept kept = {0}, refusing = {.refuses = 1};
    keytide_match_result result, again;
    uint8_t other[KEYTIDE_KEY_BYTES] = {1};
    EXPECT(keytide_match(phone, now, 0, &result) == KEYTIDE_OK && result.keys > 0);
    EXPECT(keytide_save(phone, key, kept_write, &kept) == KEYTIDE_OK);
    REFUSED(keytide_save(phone, key, kept_write, &refusing), KEYTIDE_REFUSED);
    REFUSED(keytide_load(phone, other, kept.bytes, kept.count), KEYTIDE_BAD_STATE);
    REFUSED(keytide_load(phone, key, kept.bytes, (size_t)-1), KEYTIDE_BAD_STATE);
    for (size_t count = 0; count < kept.count; count += count < 64 ? 1 : 997)
        REFUSED(keytide_load(phone, key, kept.bytes, count), KEYTIDE_BAD_STATE);
    for (size_t i = 0; i < kept.count; i += i < 64 ? 1 : 997) {
        kept.bytes[i] ^= 0x20;
        REFUSED(keytide_load(phone, key, kept.bytes, kept.count), KEYTIDE_BAD_STATE);
        kept.bytes[i] ^= 0x20;
    }
    expect_message(phone);
    EXPECT(keytide_last_match(phone, now, &again) == KEYTIDE_OK && memcmp(&result, &again, sizeof result) == 0);
    EXPECT(keytide_load(phone, key, kept.bytes, kept.count) == KEYTIDE_OK);
    EXPECT(keytide_last_match(phone, now, &again) == KEYTIDE_OK && memcmp(&result, &again, sizeof result) == 0);
    free(kept.bytes);
}

void misuse(const char *folder, int64_t now) {
    struct world world = {.folder = folder};
    size_t count = 0;
    without_a_phone();
    char *authorities = (char *)world_file(&world, "authorities", &count);
    wrong_options(authorities);
    free(authorities);
    keytide_phone *phone = new_phone(&world);
    wrong_sightings(phone);
    wrong_scans(phone);
    wrong_arguments(phone, &world, now);
    failing_nodes(phone, &world, now);
    wrong_states(phone, now);
    keytide_free(phone);
    printf("refused %d\n", checks);
}

/* All that a phone does in an app, in the order in which it does it. Prints `name value…` lines. */
#include <stdlib.h>
#include <string.h>

#include "exerciser.h"

static const uint8_t key[KEYTIDE_KEY_BYTES] = {1, 2, 3, 4, 5};
static const int32_t offset = 25200;

/* Reads lines of `time identifier schedule strength level metadata` and gives them to the phone. */
static void add_sightings(keytide_phone *phone, const struct world *world) {
    size_t bytes = 0, count = 0, added = 0;
    char *text = (char *)world_file(world, "sightings", &bytes);
    EXPECT(text != NULL);
    keytide_sighting *sightings = calloc(bytes / 8 + 1, sizeof *sightings);
    EXPECT(sightings != NULL);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        keytide_sighting *sighting = &sightings[count++];
        long long time;
        char identifier[33], metadata[9];
        int schedule, strength, level;
        EXPECT(sscanf(line, "%lld %32s %d %d %d %8s", &time, identifier, &schedule, &strength, &level, metadata) == 6);
        sighting->time = time;
        sighting->schedule = (uint8_t)schedule;
        sighting->strength = (uint8_t)strength;
        sighting->level = (int16_t)level;
        for (size_t i = 0; i < strlen(identifier) / 2; i++) sscanf(identifier + 2 * i, "%2hhx", &sighting->identifier[i]);
        for (size_t i = 0; i < 4; i++) sscanf(metadata + 2 * i, "%2hhx", &sighting->metadata[i]);
    }
    EXPECT(keytide_add_sightings(phone, sightings, count, &added) == KEYTIDE_OK);
    printf("added %zu of %zu\n", added, count);
    EXPECT(keytide_add_sightings(phone, sightings, count, &added) == KEYTIDE_OK && added == 0);
    free(sightings);
    free(text);
}

/* A scan every ten minutes of three days, whether or not anybody was seen. */
static void add_scans(keytide_phone *phone, int64_t now) {
    int64_t times[432];
    size_t added = 0;
    for (int i = 0; i < 432; i++) times[i] = now - 600 * (int64_t)i;
    EXPECT(keytide_add_scans(phone, times, 432, &added) == KEYTIDE_OK && added == 432);
}

static void sync_with(keytide_phone *phone, struct world *world, int64_t now) {
    keytide_sync_result result;
    char message[400];
    keytide_code code = keytide_sync(phone, "http://vn-01.example", now, world_get, world, &result);
    keytide_message(phone, message, sizeof message);
    if (code != KEYTIDE_OK) fprintf(stderr, "%s: %s\n", keytide_code_text(code), message);
    EXPECT(code == KEYTIDE_OK);
    printf("sync %d %d roster %llu index %lld feeds %llu problems %llu batches %llu keys %llu evidence %llu %s\n",
           result.is_up_to_date, result.not_modified, (unsigned long long)result.roster_version,
           (long long)result.index_time, (unsigned long long)result.feeds, (unsigned long long)result.problems,
           (unsigned long long)result.batches, (unsigned long long)result.keys, (unsigned long long)result.evidence,
           message);
    EXPECT(result.requests == (uint64_t)world->requests);
    EXPECT(result.freshness.standing == KEYTIDE_FRESH && result.freshness.clocks == KEYTIDE_CLOCKS_AGREE);
    EXPECT(result.freshness.fetched_until == result.index_time && result.freshness.trust == KEYTIDE_UNCONFIRMED);
}

static void print_match(const keytide_match_result *result) {
    const keytide_freshness *news = &result->freshness;
    printf("news %d until %lld incomplete %llu trust %d clocks %d says %d\n", news->standing,
           (long long)news->fetched_until, (unsigned long long)news->incomplete_regions, news->trust, news->clocks,
           news->says_something);
    printf("match %lld sightings %llu keys %llu matched %llu days %llu contacts %llu lapsed %llu\n",
           (long long)result->as_of, (unsigned long long)result->sightings, (unsigned long long)result->keys,
           (unsigned long long)result->matched_keys, (unsigned long long)result->days,
           (unsigned long long)result->contacts, (unsigned long long)result->lapsed);
}

static void print_days(keytide_phone *phone, uint64_t days) {
    keytide_day day;
    for (size_t i = 0; i < days; i++) {
        EXPECT(keytide_get_day(phone, i, &day) == KEYTIDE_OK);
        printf("day %04d-%02d-%02d contact %d seconds %lld score %lld %lld %lld near %d type %d infectious %d confidence %d\n",
               day.year, day.month, day.day, day.is_contact, (long long)day.seconds, (long long)day.score,
               (long long)day.maximum_score, (long long)day.weighted_seconds, day.nearness, day.report_type,
               day.infectiousness, day.confidence);
    }
    EXPECT(keytide_get_day(phone, days, &day) == KEYTIDE_NOTHING);
}

static void print_explanation(keytide_phone *phone, int language, int64_t now) {
    size_t length = 0, again = 0;
    EXPECT(keytide_explain(phone, language, now, offset, NULL, 0, &length) == KEYTIDE_TOO_SMALL);
    char *text = malloc(length);
    EXPECT(text != NULL);
    text[0] = 'x';
    EXPECT(keytide_explain(phone, language, now, offset, text, length - 1, &again) == KEYTIDE_TOO_SMALL);
    EXPECT(again == length && text[0] == 'x');
    EXPECT(keytide_explain(phone, language, now, offset, text, length, &again) == KEYTIDE_OK);
    EXPECT(strlen(text) + 1 == length);
    printf("%s", text);
    free(text);
}

void run(const char *folder, int64_t now) {
    struct world world = {.folder = folder};
    struct kept kept = {0};
    keytide_match_result result, again;
    keytide_phone *phone = new_phone(&world);
    size_t evidence = 1, erased = 0;
    int64_t next = 0;

    EXPECT(keytide_version() == KEYTIDE_VERSION);
    add_sightings(phone, &world);
    add_scans(phone, now);
    sync_with(phone, &world, now);
    EXPECT(keytide_last_match(phone, now, &result) == KEYTIDE_NOTHING);
    EXPECT(keytide_match(phone, now, offset, &result) == KEYTIDE_OK);
    print_match(&result);
    print_days(phone, result.days);
    print_explanation(phone, KEYTIDE_VIETNAMESE, now);
    print_explanation(phone, KEYTIDE_ENGLISH, now);
    /* Read three weeks later it is no good news. */
    EXPECT(keytide_last_match(phone, now + 21 * 86400, &again) == KEYTIDE_OK);
    EXPECT(result.freshness.says_something && !again.freshness.says_something);
    EXPECT(again.freshness.standing == KEYTIDE_UNKNOWN);
    print_explanation(phone, KEYTIDE_ENGLISH, now + 21 * 86400);
    EXPECT(keytide_evidence_count(phone, &evidence) == KEYTIDE_OK && evidence == 0);
    EXPECT(keytide_next_sync(phone, 0, now, &next) == KEYTIDE_OK && next > now && next <= now + 600);
    EXPECT(keytide_save(phone, key, kept_write, &kept) == KEYTIDE_OK);
    keytide_free(phone);

    /* Another process, as it were. */
    puts("loaded");
    phone = new_phone(&world);
    EXPECT(keytide_load(phone, key, kept.bytes, kept.count) == KEYTIDE_OK);
    EXPECT(keytide_last_match(phone, now, &again) == KEYTIDE_OK);
    print_match(&again);
    print_days(phone, again.days);
    EXPECT(keytide_match(phone, now, offset, &again) == KEYTIDE_OK);
    EXPECT(memcmp(&result, &again, sizeof result) == 0);
    world.requests = 0;
    sync_with(phone, &world, now + 7200);
    EXPECT(keytide_next_sync(phone, 1, now, &next) == KEYTIDE_OK && next >= now + 3 * 3600);
    EXPECT(keytide_erase_sightings(phone, &erased) == KEYTIDE_OK);
    printf("erased %zu\n", erased);
    EXPECT(keytide_last_match(phone, now, &again) == KEYTIDE_NOTHING);
    EXPECT(keytide_match(phone, now, offset, &again) == KEYTIDE_OK && again.matched_keys == 0 && again.days == 0);
    keytide_free(phone);
    free(kept.bytes);
}

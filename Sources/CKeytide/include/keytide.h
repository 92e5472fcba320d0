/*
 * Keytide's phone for apps that are not written in Swift: sync, match, results, over bytes that the app moves.
 *
 * The library opens no socket and no file, reads no clock and sends nothing. The app passes in the time, answers GET
 * requests in a callback, keeps the state as sealed bytes, and gives the sightings. docs/EMBEDDING.md shows the whole.
 *
 * Ownership. The only thing to free is the handle, with keytide_free. Whatever the app passes in is copied before the
 * call returns and stays the app's; whatever the library passes to a callback is valid until that callback returns.
 * Texts are written into buffers of the app.
 *
 * Threads. Calls block until they are done; a sync takes as long as its requests. A handle may be used from any thread,
 * one call at a time: a second call, from another thread or from within a callback, changes nothing and returns
 * KEYTIDE_BUSY. keytide_message and keytide_cancel may be called at any time. Callbacks run on the thread that made
 * the call, one after the other. keytide_free must be the last call of a handle.
 *
 * Errors. Every pointer may be NULL: where one is needed, the call returns KEYTIDE_NULL_ARGUMENT and does nothing. After
 * any other code than KEYTIDE_OK, keytide_message says what happened and what to do. Messages name nodes and regions,
 * never an identifier, key or time of a sighting, so they may be logged. A call that fails leaves results that it would
 * have written as they were, unless it says otherwise.
 *
 * Times are unix seconds, 0 to 253402300799 (the year 9999). Texts are UTF-8, ended by a zero byte.
 */
#ifndef KEYTIDE_H
#define KEYTIDE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define KEYTIDE_NULLABLE _Nullable
#else
#define KEYTIDE_NULLABLE
#endif

/* Changes when a declaration below changes. keytide_version returns that of the library that is linked. */
#define KEYTIDE_VERSION 2

/* Bytes of the key that seals a state. */
#define KEYTIDE_KEY_BYTES 32
/* Sightings that a phone holds at most. */
#define KEYTIDE_MAXIMUM_SIGHTINGS 500000
/* Times of scans that a phone holds at most. */
#define KEYTIDE_MAXIMUM_SCANS 130000

typedef enum keytide_code {
    KEYTIDE_OK = 0,
    /* A pointer that is needed is NULL. */
    KEYTIDE_NULL_ARGUMENT = 1,
    /* An argument lies outside the range that its declaration gives. */
    KEYTIDE_OUT_OF_RANGE = 2,
    /* Another call of this handle is under way. */
    KEYTIDE_BUSY = 3,
    /* keytide_cancel ended the sync. What was verified before is kept. */
    KEYTIDE_CANCELLED = 4,
    /* The node did not answer. */
    KEYTIDE_NO_ANSWER = 5,
    /* What the node answered does not verify, or contradicts what is known: try another node. */
    KEYTIDE_BAD_NODE = 6,
    /* A state that does not open under this key, is of another version, or is damaged. */
    KEYTIDE_BAD_STATE = 7,
    /* Nothing was matched yet, or there is no such day. */
    KEYTIDE_NOTHING = 8,
    /* The app's buffer is too small; the length that is needed has been given. */
    KEYTIDE_TOO_SMALL = 9,
    /* More at once than can be held, or more bytes than were asked for. */
    KEYTIDE_TOO_MANY = 10,
    /* The app's callback returned another value than 0. */
    KEYTIDE_REFUSED = 11,
    /* Anything else. */
    KEYTIDE_FAILED = 12
} keytide_code;

/* A phone. Made by keytide_create, owned by the app. */
typedef struct keytide_phone keytide_phone;

/* KEYTIDE_VERSION of the library. */
int keytide_version(void);

/* What a code means, in English; never NULL, valid for good. */
const char *keytide_code_text(int code);

/* ------------------------------------------------------------------------------------------------- life of a handle */

typedef struct keytide_options {
    /* Who may sign rosters, as in the file that `keytide roster` reads: a line "threshold K", then a key
       "name+hash+base64" a line. Needed. */
    const char *KEYTIDE_NULLABLE authorities;
    /* Regions to follow, separated by commas, e.g. "VN-01,VN-79"; NULL for all, since whoever infected one may live
       anywhere. */
    const char *KEYTIDE_NULLABLE regions;
    /* Nodes of other operators whose indexes are held against the node's, 0 to 8; 2 is usual. Each costs a request an
       hour. */
    int32_t witnesses;
} keytide_options;

/* Makes a phone that holds nothing.
   phone: takes the handle, or NULL if there is an error. Needed.
   message: takes what is wrong with the options, cut to message_size bytes with the zero; may be NULL, with size 0.
   Returns KEYTIDE_NULL_ARGUMENT, KEYTIDE_OUT_OF_RANGE. */
keytide_code keytide_create(const keytide_options *KEYTIDE_NULLABLE options,
                            keytide_phone *KEYTIDE_NULLABLE *KEYTIDE_NULLABLE phone,
                            char *KEYTIDE_NULLABLE message, size_t message_size);

/* Ends a handle and forgets what it holds. NULL is passed over. */
void keytide_free(keytide_phone *KEYTIDE_NULLABLE phone);

/* What the last call had to say; empty if nothing. Cut to size bytes with the zero, at a character's end.
   buffer: may be NULL, with size 0, to learn the length.
   Returns the bytes that the whole text takes, with the zero; 0 if phone is NULL. */
size_t keytide_message(keytide_phone *KEYTIDE_NULLABLE phone, char *KEYTIDE_NULLABLE buffer, size_t size);

/* -------------------------------------------------------------------------------------------------------- sightings */

/* By which key schedule the other phone made what it broadcast. */
enum { KEYTIDE_EXPOSURE_NOTIFICATION = 0, KEYTIDE_BLUEZONE = 1 };
/* What is known of how loud it was. */
enum { KEYTIDE_ATTENUATION = 0, KEYTIDE_RSSI = 1, KEYTIDE_RSSI_AND_METADATA = 2 };

/* One sighting of another phone's rolling identifier. */
typedef struct keytide_sighting {
    int64_t time;
    /* As broadcast: 16 bytes; of Bluezone 12, the last four are passed over. */
    uint8_t identifier[16];
    /* KEYTIDE_EXPOSURE_NOTIFICATION or KEYTIDE_BLUEZONE. */
    uint8_t schedule;
    /* KEYTIDE_ATTENUATION, KEYTIDE_RSSI, or KEYTIDE_RSSI_AND_METADATA, which Bluezone has not. */
    uint8_t strength;
    /* Attenuation in dB, 0 to 255, or received power in dBm, -127 to 20. */
    int16_t level;
    /* The encrypted metadata broadcast with the identifier; passed over unless strength says that they are there. */
    uint8_t metadata[4];
} keytide_sighting;

/* Keeps sightings; those already there (same time, identifier and schedule) are passed over. Beyond
   KEYTIDE_MAXIMUM_SIGHTINGS some go: of those seen in one scan those of the fullest minutes first; keytide_log_counts
   tells how many went.
   sightings: count of them; may be NULL if count is 0.
   added: takes how many were new and are held, also with KEYTIDE_OUT_OF_RANGE; may be NULL.
   Returns KEYTIDE_OUT_OF_RANGE if some have a value outside its range: those are not kept, all others are, and the
   message says how many and which is the first. KEYTIDE_TOO_MANY for more than KEYTIDE_MAXIMUM_SIGHTINGS at once: none
   is then kept. */
keytide_code keytide_add_sightings(keytide_phone *KEYTIDE_NULLABLE phone,
                                   const keytide_sighting *KEYTIDE_NULLABLE sightings, size_t count,
                                   size_t *KEYTIDE_NULLABLE added);

/* Keeps times at which the app scanned, whether or not anybody was seen; those already there are passed over. The time of
   a scan is any moment of it: what lies within 25 seconds before a sighting is of the same scan. Where the times of all
   scans are known, a meeting counts as long as it was. Optional: without them sightings, of anybody, are
   what shows when the phone scanned. Beyond KEYTIDE_MAXIMUM_SCANS the oldest days go.
   times: count of them, in any order; may be NULL if count is 0.
   added: takes how many more than before are held, also with KEYTIDE_OUT_OF_RANGE; may be NULL.
   Returns KEYTIDE_OUT_OF_RANGE if one is no time: all others are kept. KEYTIDE_TOO_MANY for more than
   KEYTIDE_MAXIMUM_SCANS at once: none is then kept. */
keytide_code keytide_add_scans(keytide_phone *KEYTIDE_NULLABLE phone, const int64_t *KEYTIDE_NULLABLE times, size_t count,
                               size_t *KEYTIDE_NULLABLE added);

typedef struct keytide_log {
    /* Sightings held, those set aside among them. */
    uint64_t sightings;
    /* Sightings of the future, as far as the phone knows the time: they count when it has come. */
    uint64_t set_aside;
    /* Sightings that went for want of room, while one of them could still count. */
    uint64_t lost;
    /* Times of scans held. */
    uint64_t scans;
} keytide_log;

/* What the phone's log holds.
   now: the time.
   counts: needed. */
keytide_code keytide_log_counts(keytide_phone *KEYTIDE_NULLABLE phone, int64_t now,
                                keytide_log *KEYTIDE_NULLABLE counts);

/* Deletes all sightings, the times of scans, and what matching made of them.
   erased: takes how many there were; may be NULL. Save afterwards: the state kept before still has them. */
keytide_code keytide_erase_sightings(keytide_phone *KEYTIDE_NULLABLE phone, size_t *KEYTIDE_NULLABLE erased);

/* ------------------------------------------------------------------------------------------------------------- sync */

/* One GET that the app is to make: node and path together are the URL. */
typedef struct keytide_request {
    /* Base URL: the one given to keytide_sync, or a witness's from the roster. */
    const char *node;
    /* Absolute path, ASCII, at most 120 bytes. */
    const char *path;
    /* Value of If-None-Match; NULL to leave it out. */
    const char *KEYTIDE_NULLABLE if_none_match;
    /* Largest body in bytes that is of use. */
    size_t limit;
} keytide_request;

/* An answer that the callback fills; valid until the callback returns. */
typedef struct keytide_response keytide_response;

/* Gives status and the ETag field as it stands (NULL if there is none, or if it has more than 200 bytes).
   status: 100 to 599. Once for each answer; the last one counts. */
keytide_code keytide_respond(keytide_response *KEYTIDE_NULLABLE response, int status,
                             const char *KEYTIDE_NULLABLE etag);

/* Appends bytes of the body, decoded of any Content-Encoding; as often as there are pieces. That of an answer of status
   503 tells a damaged batch from a node that is busy; that of any other status than 200 may be left out.
   bytes: count of them; may be NULL if count is 0.
   Returns KEYTIDE_TOO_MANY beyond the request's limit: stop reading then, and return 0 from the callback. */
keytide_code keytide_respond_body(keytide_response *KEYTIDE_NULLABLE response, const void *KEYTIDE_NULLABLE bytes,
                                  size_t count);

/* Makes one GET. Called on the thread of keytide_sync, one request at a time. Must follow redirects to no other host,
   send no cookie and nothing that tells one phone from another.
   context: what was given to keytide_sync.
   Returns 0 if there was an answer, whatever its status, given by keytide_respond; anything else if none came. */
typedef int (*keytide_get)(void *KEYTIDE_NULLABLE context, const keytide_request *request,
                           keytide_response *response);

/* How fresh the phone's keys are. */
enum {
    /* Keys were fetched lately: what is not found among them was not published then, incomplete regions apart. */
    KEYTIDE_FRESH = 0,
    /* There was no news for more than a day: nothing can be said of the time since. */
    KEYTIDE_STALE = 1,
    /* No sync has ever fetched all keys, or so long ago that none of them counts any more: the phone knows nothing. */
    KEYTIDE_UNKNOWN = 2
};
/* How far the node of the last sync can be believed: other operators' nodes bear it out; too few do, or none is asked;
   some contradict it; it is proven to keep keys back. */
enum { KEYTIDE_CONFIRMED = 0, KEYTIDE_UNCONFIRMED = 1, KEYTIDE_DOUBTED = 2, KEYTIDE_DISPROVED = 3 };
/* In what way the clocks of phone and node differ by more than two hours. One is wrong, or the node was cut off. */
enum {
    KEYTIDE_CLOCKS_AGREE = 0,
    KEYTIDE_NODE_BEHIND = 1,
    KEYTIDE_NODE_AHEAD = 2,
    /* The phone's clock shows a time before the one until which it has fetched keys. */
    KEYTIDE_PHONE_SET_BACK = 3
};

typedef struct keytide_freshness {
    /* Until when keys were fetched; -1 if they never were. */
    int64_t fetched_until;
    /* Regions of which not all could be fetched. */
    uint64_t incomplete_regions;
    /* KEYTIDE_FRESH to KEYTIDE_UNKNOWN. */
    int32_t standing;
    /* KEYTIDE_CONFIRMED to KEYTIDE_DISPROVED. */
    int32_t trust;
    /* KEYTIDE_CLOCKS_AGREE to KEYTIDE_PHONE_SET_BACK. */
    int32_t clocks;
    /* Not 0 if something can be said: keys are fresh and, of a match, there were sightings to compare with them. */
    int32_t says_something;
} keytide_freshness;

typedef struct keytide_sync_result {
    /* Not 0 if the phone has all that the node has, nothing went wrong, and it is news: the node signed its index not more
       than two publication slots ago. */
    int32_t is_up_to_date;
    /* Not 0 if the node's index has not changed since. */
    int32_t not_modified;
    uint64_t roster_version;
    /* When the node signed its index. */
    int64_t index_time;
    /* Feeds followed, feeds and other things with problems; the message tells the first problem. */
    uint64_t feeds;
    uint64_t problems;
    /* What came, verified. */
    uint64_t batches;
    uint64_t keys;
    uint64_t requests;
    uint64_t bytes;
    /* Contradictions found by this sync; they are kept. */
    uint64_t evidence;
    /* Witnesses whose word the phone has, and how many it wants. */
    uint64_t witnesses;
    uint64_t witnesses_wanted;
    /* How fresh the keys are from now on. */
    keytide_freshness freshness;
} keytide_sync_result;

/* Brings the phone up to what a node has, compares what comes with the sightings, and drops what no longer matters. May
   be cancelled or killed at any moment: what was verified until then is in the handle, and saved by keytide_save.
   node: base URL, e.g. "https://keytide.example", at most 200 bytes; the name under which the node is remembered.
   now: the time.
   get: makes the requests; context is passed to it.
   result: takes what was done; may be NULL.
   Returns KEYTIDE_OK also if single feeds have problems: see is_up_to_date. KEYTIDE_NO_ANSWER, KEYTIDE_BAD_NODE,
   KEYTIDE_CANCELLED. */
keytide_code keytide_sync(keytide_phone *KEYTIDE_NULLABLE phone, const char *KEYTIDE_NULLABLE node, int64_t now,
                          keytide_get KEYTIDE_NULLABLE get, void *KEYTIDE_NULLABLE context,
                          keytide_sync_result *KEYTIDE_NULLABLE result);

/* Ends a sync that is under way, from another thread or from its callback: no further request is made. Without one it
   does nothing. */
keytide_code keytide_cancel(keytide_phone *KEYTIDE_NULLABLE phone);

/* When to sync next: away from the moments at which regions publish, soon after a failure, then later and later. The
   number of failures is part of the state.
   is_complete: not 0 if the last sync left the phone up to date.
   next: takes a time after now. Needed. */
keytide_code keytide_next_sync(keytide_phone *KEYTIDE_NULLABLE phone, int is_complete, int64_t now,
                               int64_t *KEYTIDE_NULLABLE next);

/* How many contradictions the phone holds evidence of.
   count: needed. */
keytide_code keytide_evidence_count(keytide_phone *KEYTIDE_NULLABLE phone, size_t *KEYTIDE_NULLABLE count);

/* ------------------------------------------------------------------------------------------------------------ match */

typedef struct keytide_match_result {
    /* Start of the ten minutes at which keys were judged live. */
    int64_t as_of;
    /* Sightings, and keys that they were compared with. */
    uint64_t sightings;
    uint64_t keys;
    /* Keys that were near. */
    uint64_t matched_keys;
    /* Local days that keytide_day gives, those of them that are contacts, and earlier warnings that hold no more. */
    uint64_t days;
    uint64_t contacts;
    uint64_t lapsed;
    /* What all of it is worth. Without says_something, no contact is no all-clear. */
    keytide_freshness freshness;
} keytide_match_result;

/* Compares what has not been compared, and reports on all that is held. What is a contact follows from the standard
   configuration of docs/RISK.md.
   now: the time; decides which keys are live.
   utc_offset: seconds by which local days are ahead of UTC, 0 to 86399; Vietnam's are 25200.
   result: takes the counts; may be NULL. */
keytide_code keytide_match(keytide_phone *KEYTIDE_NULLABLE phone, int64_t now, int32_t utc_offset,
                           keytide_match_result *KEYTIDE_NULLABLE result);

/* The counts of the last match, also after keytide_load. Returns KEYTIDE_NOTHING if there was none.
   now: the time; decides what the match is worth by now.
   result: needed. */
keytide_code keytide_last_match(keytide_phone *KEYTIDE_NULLABLE phone, int64_t now,
                                keytide_match_result *KEYTIDE_NULLABLE result);

enum { KEYTIDE_IMMEDIATE = 0, KEYTIDE_NEAR = 1, KEYTIDE_MEDIUM = 2, KEYTIDE_OTHER = 3 };
enum {
    KEYTIDE_REPORT_UNKNOWN = 0,
    KEYTIDE_REPORT_RECURSIVE = 1,
    KEYTIDE_REPORT_SELF = 2,
    KEYTIDE_REPORT_CLINICAL = 3,
    KEYTIDE_REPORT_CONFIRMED = 4
};
enum { KEYTIDE_INFECTIOUSNESS_NONE = 0, KEYTIDE_INFECTIOUSNESS_STANDARD = 1, KEYTIDE_INFECTIOUSNESS_HIGH = 2 };

/* What a person is told of one local day: no key, place, region, time of day or day of onset. */
typedef struct keytide_day {
    int32_t year;
    int32_t month;
    int32_t day;
    /* Not 0 if the day is a contact. */
    int32_t is_contact;
    /* Together with all of these people, as far as the phone's scans show it; 0 if they show none. */
    int64_t seconds;
    /* Weighted seconds, as the Exposure Notification API has them: the day's score, that of its highest window, and what
       is weighted by attenuation alone. */
    int64_t score;
    int64_t maximum_score;
    int64_t weighted_seconds;
    /* KEYTIDE_IMMEDIATE to KEYTIDE_OTHER. */
    int32_t nearness;
    /* KEYTIDE_REPORT_UNKNOWN to KEYTIDE_REPORT_CONFIRMED: the most certain one. */
    int32_t report_type;
    /* KEYTIDE_INFECTIOUSNESS_NONE to KEYTIDE_INFECTIOUSNESS_HIGH. */
    int32_t infectiousness;
    /* How far attenuations can be trusted, 0 (lowest) to 3 (high). */
    int32_t confidence;
} keytide_day;

/* A day of the last match.
   number: 0 is the newest one.
   day: needed.
   Returns KEYTIDE_NOTHING if there is no such day. */
keytide_code keytide_get_day(keytide_phone *KEYTIDE_NULLABLE phone, size_t number, keytide_day *KEYTIDE_NULLABLE day);

enum { KEYTIDE_VIETNAMESE = 0, KEYTIDE_ENGLISH = 1 };

/* What the last match means, for a person to read: until when keys were fetched, which days, how long, how near, what to
   do.
   language: KEYTIDE_VIETNAMESE or KEYTIDE_ENGLISH.
   now: the time; an old match is not told as good news.
   utc_offset: as in keytide_match.
   buffer, size: take the text; may be NULL and 0 to learn the length.
   length: takes the bytes that the text takes, with the zero, also if the buffer is too small. Needed.
   Returns KEYTIDE_TOO_SMALL (the buffer is then left alone), KEYTIDE_NOTHING. */
keytide_code keytide_explain(keytide_phone *KEYTIDE_NULLABLE phone, int language, int64_t now, int32_t utc_offset,
                             char *KEYTIDE_NULLABLE buffer, size_t size, size_t *KEYTIDE_NULLABLE length);

/* ------------------------------------------------------------------------------------------------------------ state */

/* Takes a sealed state, once in a call, on the thread of keytide_save.
   bytes: count of them, valid until it returns: write them to a new file and rename it, so that there is always a whole
   one.
   Returns 0 if they are kept. */
typedef int (*keytide_write)(void *KEYTIDE_NULLABLE context, const uint8_t *bytes, size_t count);

/* Gives all that the handle holds but its options, sealed with ChaCha20-Poly1305 under the app's key and a random nonce.
   Sightings are in it: keep the key in Keychain or Keystore and nowhere else, and throw it away to make every copy
   unreadable. The length tells how much is held, up to 4 KiB.
   key: KEYTIDE_KEY_BYTES random bytes, used for nothing else. Needed.
   write: takes the bytes; context is passed to it.
   Returns KEYTIDE_REFUSED if it did not keep them. */
keytide_code keytide_save(keytide_phone *KEYTIDE_NULLABLE phone, const uint8_t *KEYTIDE_NULLABLE key,
                          keytide_write KEYTIDE_NULLABLE write, void *KEYTIDE_NULLABLE context);

/* Takes a state up in place of what the handle holds. If it fails, the handle is as it was.
   key: that of keytide_save.
   bytes: count of them. Needed.
   Returns KEYTIDE_BAD_STATE. */
keytide_code keytide_load(keytide_phone *KEYTIDE_NULLABLE phone, const uint8_t *KEYTIDE_NULLABLE key,
                          const uint8_t *KEYTIDE_NULLABLE bytes, size_t count);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif

#endif

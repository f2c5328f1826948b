/** Beacons of a peer that holds something to those who follow it. */
export const BEACON_EVERY_MS = 500
/** A follower that is silent for so long is dropped before outputs go on. */
export const DROP_AFTER_MS = 2_000
/** `final` reads are answered so long after the last beacon left that all in step have acknowledged. */
export const READ_WINDOW_MS = 5_000
/** A follower that heard nothing for so long asks to take over: half as long again as reads may go on, for clocks that differ. */
export const TAKE_AFTER_MS = 7_500
/** What was sent and not answered is sent again. */
export const RESEND_MS = 1_000
/** Whoever did not run for so long has heard nobody, and must not take them for silent. */
export const GAP_MS = 1_000
/** Between two looks at a group: a restarted peer has many actors to ask for at once. */
export const LOOK_EVERY_MS = 250
/** Entries that a follower which fell behind can still go on from; beyond it gets all anew. */
export const RING_BYTES_MAX = 1_048_576
/** As much may be added while someone gets all anew; beyond it that begins again. */
export const BASE_RING_BYTES_MAX = 16 * 1_048_576
/** Of one Ship. */
export const SHIP_ENTRIES_MAX = 4_096
/** A hand waits so long for what is under way; then outputs that nobody got are made again by the next holder. */
export const HAND_WITHIN_MS = 1_000
/** Everything that is due is looked at so often. */
export const TICK_MS = 250
/** Numbers of beacons that may still be acknowledged. */
export const BEACONS_OPEN_MAX = 32

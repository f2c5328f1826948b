const SECOND_MS = 1_000
const DAY_MS = 86_400_000

/** A record above this is written all the same, and named in the log: when its batch closes its step is long over. */
export const RECORD_BYTES_MAX = 1024 * 1024
/** Of the state in it, about: the kernel refuses a larger one in the step. */
export const STATE_BYTES_MAX = 256 * 1024
/** What is read back: far above what is written, so that no bound of ours makes a record unreadable. */
export const STORED_BYTES_MAX = 16 * 1024 * 1024
/** A user's value has 32 levels, and lies some levels below the record's own. */
export const STORED_DEPTH_MAX = 48

/** Larger batches hold LevelDB's writer, and all who wait behind, for too long. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** About, with key: entries are encoded when their batch closes. */
export const CHANGE_BYTES_GUESS = 256

/** As the sender's outbox does, which may resend for 7 days, with margin. */
export const WATERMARK_DAYS_MAX = 14
export const REPLY_MS_MAX = DAY_MS
export const TOMBSTONE_MS = DAY_MS
/** Outboxes send for so long at most: whoever has one for an actor that moved learns where it lives. */
export const MOVED_MS = 7 * DAY_MS

/** A record in the history for so many entries: what `snapshotAt` steps at most, and 1/128 of the writing. */
export const BASE_EVERY = 128
export const HISTORY_ENTRIES_MAX = 1_000
export const HISTORY_MS_MAX = 7 * DAY_MS

/** What is due sooner is in memory. */
export const TIMER_WINDOW_MS = 60 * SECOND_MS
/** Actors woken in one go by timers that are overdue: between them sockets are read. */
export const DUE_AT_ONCE = 64

/** How far back a peer that was killed may take itself to have run: `resume: 'remaining'` is that much late. */
export const ALIVE_EVERY_MS = 10 * SECOND_MS

/** Old watermarks, replies, tombstones and entries are looked for at the start and then once a day. */
export const SWEEP_EVERY_MS = DAY_MS
/** Keys looked at in one go. */
export const SWEEP_AT_ONCE = 1_024

export { DAY_MS }

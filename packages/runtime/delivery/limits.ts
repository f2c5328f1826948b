/** Seven days: no message is worth more waiting. */
export const TTL_MS_MAX = 7 * 24 * 3_600_000

/** Largest body of a frame: two messages of full size almost fit, one always does. */
export const FRAME_BYTES_MAX = 131_072
/** An event's encoding; what is larger travels by content id. */
export const EVENT_BYTES_MAX = 65_536
/** What an ask is answered with. */
export const REPLY_BYTES_MAX = 65_536
/** What a peer is told to do: an input as large as an event, and what surrounds it. */
export const COMMAND_BYTES_MAX = 98_304
/** One piece of what a read gives; larger values come in several. */
export const PIECE_BYTES_MAX = 65_536
/** A value of a read, put together again: state of 256 KiB with what surrounds it, encoded. */
export const ITEM_BYTES_MAX = 1_048_576

/** Pairs of one link and direction: some 200 bytes each on both sides. */
export const PAIRS_MAX = 65_536
/** A pair without traffic is closed. */
export const PAIR_IDLE_MS = 300_000

/** Messages of one link that are not settled yet. */
export const QUEUE_MESSAGES_MAX = 16_384
export const QUEUE_BYTES_MAX = 4_194_304
/** Beyond it new pairs, watches and reads are refused: what settles things needs the room. */
export const CONTROL_BYTES_MAX = 262_144
/** What answers may wait for their reader; beyond it asks and reads end with `overload`. */
export const ANSWER_BYTES_MAX = 4_194_304

/** Bytes of messages under way or in mailboxes, per direction. */
export const CREDIT_BYTES = 1_048_576
/** Messages a sender may be beyond its credit before it is called hostile: the largest one and its heads. */
export const CREDIT_SLACK_BYTES = 65_536 + 131_072
/** Credit is given back in steps of this, or whenever something else leaves anyway. */
export const CREDIT_STEP_BYTES = 65_536

/** How long a pair pauses after a full mailbox: doubled from the first to the last. */
export const PAUSE_MS_FIRST = 50
export const PAUSE_MS_MAX = 5_000

/** Down for so long, a peer counts as unreachable: asks and reads fail, watches fire. */
export const UNREACHABLE_MS = 10_000
/** A peer that was away for so long is met as a stranger: nothing of the link is remembered. */
export const FORGET_MS = 600_000
/** How often what waits is looked at: expiry, idle pairs, peers that are down. */
export const SWEEP_MS = 1_000

/** Watches and reads that one peer may have open at another. */
export const WATCHES_MAX = 4_096
export const READS_MAX = 1_024
/** Addresses of all pairs of a link and direction, characters. */
export const PAIR_TEXT_MAX = 8_388_608

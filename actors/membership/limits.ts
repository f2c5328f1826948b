/** Below this many members everyone connects to everyone: 3 x 8 slots, a full mesh costs less than choosing. */
export const FULL_MESH_MAX = 23
/** Back to a full mesh only here, so that a network of 24 does not flap. */
export const FULL_MESH_BACK = 17
/** Outbound peers in a larger network, chosen by a private ranking, until slots take over. */
export const SPARSE_DEGREE = 12

/** Entries kept in all, the oldest unconnected going first: 16 MB at the typical record of 500 B and its decoded form. */
export const ENTRIES_MAX = 16_384
/** An entry without contact for 30 days is forgotten. */
export const FORGET_MS = 30 * 86_400_000

/** New identities that one peer may introduce in an epoch: a flood from one connection stays a trickle. */
export const INTRODUCTIONS_MAX = 64
/** Of those, how many introducers an entry remembers. */
export const INTRODUCERS_MAX = 3
/** Records of one peer accepted in an epoch. */
export const RECORDS_PER_EPOCH_MAX = 8
/** Own records in an epoch; the eighth is kept for leaving. */
export const OWN_PER_EPOCH_MAX = RECORDS_PER_EPOCH_MAX - 1
/** Own records that tell a forgotten past from a clone: a month at the usual pace. */
export const OWN_REMEMBERED_MAX = 1_024

/** A record is fresh in its own and the next epoch, stale in the second, then does not count. */
export const STALE_EPOCHS = 2
/** A member that no longer counts is still dialed for a day: a laptop that slept through the night. */
export const REDIAL_EPOCHS = 24

/** Frames taken from one link in a window. A full exchange of 2,048 records takes 66. */
export const FRAMES_PER_WINDOW_MAX = 256
export const FRAME_WINDOW_MS = 10_000

/** Contacts with which a joining peer compares tables at once. */
export const JOIN_SYNCS = 3
/** Ids asked for in one round: four Want messages. The next round fetches more. */
export const WANTS_PER_ROUND_MAX = 256

/** Own state is announced again when the battery has moved by this many percent. */
export const BATTERY_STEP = 10

/** A peer that violates the protocol is refused this long: an honest one of a later version costs little. */
export const MALFORMED_BAN_MS = 60_000
/** A peer of another network would be found again and again. */
export const WRONG_NET_BAN_MS = 600_000

/** Intervals. Tests shorten them; networks do not. */
export interface Timing {
  /** Anti-entropy with one random member, +-20 %. */
  readonly syncMs: number
  /** From link down to dead: redials after about 1, 3 and 7 s have failed by then. */
  readonly suspectMs: number
  /** A link without Hello is no member's. */
  readonly helloMs: number
  /** A peer that meets nobody is ready alone after this. */
  readonly settleMs: number
  /** The heartbeat goes out at a random moment in this part of each epoch; below T/12, the earliest reveal. */
  readonly saltPublishMs: number
  /** Least distance of two own records for changes that can wait. */
  readonly publishGapMs: number
  /** Two syncs caused by Hellos. */
  readonly helloSyncGapMs: number
}

export const TIMING: Timing = {
  syncMs: 30_000,
  suspectMs: 30_000,
  helloMs: 30_000,
  settleMs: 5_000,
  saltPublishMs: 120_000,
  publishGapMs: 60_000,
  helloSyncGapMs: 1_000
}

/** What a full mailbox does with one event more. */
export const OVERFLOWS = ['reject', 'dropNewest', 'dropOldest', 'block'] as const

/** How the four peers of a set are run: as people run them, or by a program that can also hold a group. */
export const KINDS = ['up', 'plain', 'group'] as const
export type Kind = (typeof KINDS)[number]

import { PeerError } from '../errors.ts'

/**
 * Reads the path that an option was given. Throws `BRUME_PEER_USAGE` where it is empty, as of a variable that is not set: it
 * would mean the current folder.
 */
export const pathOf =
  (option: string) =>
  (text: string): string => {
    if (text !== '') return text
    throw new PeerError('BRUME_PEER_USAGE', `${option} takes a path, not an empty one`)
  }

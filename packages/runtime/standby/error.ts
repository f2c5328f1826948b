import type { PlacementRefusal } from './port.ts'

export type StandbyErrorCode =
  /** The placement group refused, or what was wanted cannot be. */
  | 'BRUME_STANDBY_REFUSED'
  /** It was not there in time; it may still come to it. */
  | 'BRUME_STANDBY_TIMEOUT'
  /** This peer ends. */
  | 'BRUME_STANDBY_STOPPED'

export class StandbyError extends Error {
  override readonly name = 'StandbyError'
  readonly code: StandbyErrorCode
  readonly refusal: PlacementRefusal | undefined

  constructor(code: StandbyErrorCode, message: string, refusal?: PlacementRefusal) {
    super(message)
    this.code = code
    this.refusal = refusal
  }
}

const REASONS: Record<PlacementRefusal, string> = {
  behind: 'it is placed otherwise by now; try again',
  forbidden: 'only its holder may do that',
  taken: 'it has a holder already',
  full: 'the placement group has no room for more actors; use another group',
  few: 'too few followers would be left in step',
  invalid: 'copies are 1 to 5 peers with this one among them, more than minInSync; a hand goes to one in step'
}

/** @param awaited - what did not come */
export function lateError(address: string, what: string, awaited: string, withinMs: number): StandbyError {
  const message = `cannot ${what} ${address}: waited ${withinMs} ms for ${awaited}; it may still come to it`
  return new StandbyError('BRUME_STANDBY_TIMEOUT', message)
}

export function refusedError(address: string, what: string, refusal: PlacementRefusal): StandbyError {
  return new StandbyError('BRUME_STANDBY_REFUSED', `cannot ${what} ${address}: ${REASONS[refusal]}`, refusal)
}

/** One library's counter, as `member-main.ts` drives it. What is answered is checked: work that was not done does not count. */
export interface Contender {
  /** Tells the one counter to add 1, so often; resolves with what it holds once all of them are processed. */
  tell(count: number): Promise<number>
  /** Asks it as often, one after the other; what the last answer was. */
  ask(count: number): Promise<number>
  /** Makes so many more actors that live and rest, each told once; the sum of what all of these hold. */
  idle(count: number): Promise<number>
}

/** Everything anybody adds. */
export const ADD = { type: 'add', by: 1 } as const
export const GET = { type: 'get' } as const

/** Sum of what is asked for, one after the other. */
export async function sumOf<T>(actors: readonly T[], ask: (actor: T) => Promise<number>): Promise<number> {
  let sum = 0
  for (const actor of actors) sum += await ask(actor)
  return sum
}

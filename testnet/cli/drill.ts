import { drillCounter } from '../drills/replicated-counter.ts'
import { TestnetError } from '../errors.ts'

export interface DrillCommand {
  readonly members: number
  readonly liars: number
  readonly kill: number
  readonly seconds: number
  readonly json: boolean
}

/** Rejects with `BRUME_TESTNET_VIOLATION` where an answer or a proof was wrong, or work did not go on as it must. */
export async function drill({ members, liars, kill, seconds, json }: DrillCommand): Promise<void> {
  if (liars + kill > members) {
    throw new TestnetError('BRUME_TESTNET_ARGUMENT', `${liars} liars and ${kill} to be killed are more than ${members}`)
  }
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const result = await drillCounter({ members, liars, killed: kill, seconds, say })
  const { answered, proofs, sum, count, wrong, open, ok } = result
  if (json) say(JSON.stringify(result))
  else {
    say(`${answered.join(' + ')} answers, ${open} open, ${proofs} proofs verified offline, ${wrong} wrong`)
    say(`added ${sum}, proven ${count}: ${ok ? 'ok' : 'FAILED'}`)
  }
  if (!ok) throw new TestnetError('BRUME_TESTNET_VIOLATION', 'the drill failed')
}

import { drillPlay } from '../drills/play.ts'
import { carryOut } from './run.ts'

export interface DrillCommand {
  readonly members: number
  readonly liars: number
  readonly kill: number
  readonly seconds: number
  readonly json: boolean
  readonly directory: string
}

/** A scenario of kind `machine` by what the command line says. Rejects as `run` does. */
export async function drill({ members, liars, kill, seconds, json, directory }: DrillCommand): Promise<void> {
  const about = `${members} processes replicate a machine, ${liars} of them lie, ${kill} are killed and return.`
  await carryOut(drillPlay({ name: 'drill', about, members, liars, killed: kill, seconds }), directory, json)
}

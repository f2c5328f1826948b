import { LATENCY_TABLE, regionalDelays } from '@brume/testkit'
import { TestnetError } from '../errors.ts'
import { fits, type Selectable } from '../runner/selectors.ts'
import { PLAIN, type ProfileName, SHAPES, type Shape } from './profiles.ts'

/** The first rule that fits a pair decides; figures beside a profile stand instead of its own. */
export interface LinkRule {
  readonly from: string
  readonly to: string
  readonly bothWays: boolean
  readonly profile: ProfileName | null
  readonly delayMs: number | null
  readonly jitterMs: number | null
  readonly lossPct: number | null
  readonly rateKbit: number | null
}

/** Between regions: what a delay varies by, and what gets lost, is not in the table. */
const AWS_JITTER_SHARE = 0.05
const AWS_LOSS_PCT = 0.05

/** The shape of each direction between two peers, by `<from> <to>`. @throws TestnetError `BRUME_TESTNET_MANIFEST` */
export function shapesOf(rules: readonly LinkRule[], peers: readonly Selectable[]): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>()
  for (const from of peers) {
    for (const to of peers) {
      const rule = rules.find((one) => fitsPair(one, from, to))
      if (rule !== undefined && from !== to) shapes.set(`${from.name} ${to.name}`, shapeOf(rule, from.site, to.site))
    }
  }
  return shapes
}

function fitsPair({ from, to, bothWays }: LinkRule, a: Selectable, b: Selectable): boolean {
  return (fits(from, a) && fits(to, b)) || (bothWays && fits(from, b) && fits(to, a))
}

function shapeOf({ profile, delayMs, jitterMs, lossPct, rateKbit }: LinkRule, from: string, to: string): Shape {
  const base = profile === null ? PLAIN : profile === 'aws' ? awsShape(from, to) : SHAPES[profile]
  return {
    delayMs: delayMs ?? base.delayMs,
    jitterMs: jitterMs ?? base.jitterMs,
    lossPct: lossPct ?? base.lossPct,
    rateKbit: rateKbit ?? base.rateKbit
  }
}

function awsShape(from: string, to: string): Shape {
  const delays = regionalDelays()
  const refuse = (sentence: string): never => {
    throw new TestnetError('BRUME_TESTNET_MANIFEST', `the link profile aws ${sentence}`)
  }
  if (delays === null) return refuse(`needs ${LATENCY_TABLE} in the folder that BRUME_VECTORS names`)
  for (const site of [from, to]) {
    if (!delays.knows(site)) refuse(`reads sites as AWS regions, and knows no '${site}'`)
  }
  const delayMs = delays.oneWayMs(from, to)
  return { ...PLAIN, delayMs, jitterMs: delayMs * AWS_JITTER_SHARE, lossPct: AWS_LOSS_PCT }
}

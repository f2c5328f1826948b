import { BenchError } from '../../harness/errors.ts'
import { median, shuffled } from '../../harness/statistics.ts'
import { type Row, row } from '../result.ts'
import { compiledErlang, installed, versionOf } from './install.ts'
import { type Done, Member } from './member.ts'

interface Rival {
  readonly label: string
  /** Undefined: not to be had here. */
  readonly start: (() => Promise<Member>) | undefined
  /** Actors to weigh: fewer where one takes milliseconds. */
  readonly idle: number
  /** False where there is nobody to ask. */
  readonly asks: boolean
  readonly whyNot: string
}

interface Racer {
  readonly rival: Rival
  readonly member: Member
  /** What its counter holds. */
  held: number
  readonly rounds: { readonly tell: Done[]; readonly ask: Done[] }
  readonly counts: { tell: number; ask: number }
  bytesEach: number
}

const OPERATIONS = ['tell', 'ask'] as const
const ROUNDS = 3
/** CPU time of one slice, for each second asked for. */
const SLICE_MS_PER_S = 100
/** More wait in a mailbox than any would hold in practice. */
const COUNT_MAX = 524_288
/** actors.md 13. */
const REDUCER_BAR = 2
const [MACHINE, REDUCER] = ['brume, machine', 'brume, reducer'] as const

/** The same counter in brume and beside it, each in a process of its own, by turns; every answer is checked. */
export async function benchCompare(seconds: number, out: string): Promise<readonly Row[]> {
  const rivals = rivalsOf(out)
  const racers: Racer[] = []
  try {
    for (const rival of rivals) if (rival.start) racers.push(await racerOf(rival, await rival.start(), seconds))
    for (let round = 0; round < ROUNDS; round++) {
      for (const racer of shuffled(racers, Math.random)) {
        for (const operation of operationsOf(racer.rival)) racer.rounds[operation].push(await once(racer, operation))
      }
    }
  } finally {
    for (const { member } of racers) await member.stop()
  }
  for (const racer of racers) racer.bytesEach = await weigh(racer.rival)
  const skipped = rivals.filter(({ start }) => start === undefined)
  return [
    ...rowsOf(racers),
    ...skipped.map(({ label, whyNot }) => ({ ...row(label, null), note: `skipped: ${whyNot}` }))
  ]
}

function rivalsOf(out: string): readonly Rival[] {
  const folder = installed(out, (line) => void process.stderr.write(`${line}\n`))
  const erlang = compiledErlang(out)
  const own = { whyNot: '', idle: 20_000, asks: true }
  const npm = { asks: true, whyNot: 'npm could not install it; is there a network?' }
  return [
    { ...own, label: MACHINE, start: () => Member.node('machine', '') },
    { ...own, label: REDUCER, start: () => Member.node('reducer', '') },
    { ...own, label: 'XState, actor.send', asks: false, start: () => Member.node('xstate', '') },
    {
      ...npm,
      label: versionOf('nact'),
      idle: 20_000,
      start: folder === null ? undefined : () => Member.node('nact', folder)
    },
    {
      ...npm,
      label: versionOf('@effect/cluster'),
      idle: 1_000,
      start: folder === null ? undefined : () => Member.node('effect', folder)
    },
    {
      label: 'Erlang',
      idle: 100_000,
      asks: true,
      start: erlang === null ? undefined : () => Member.erlang(erlang),
      whyNot: 'there is no erlc; Debian has it in erlang-base'
    }
  ]
}

const operationsOf = ({ asks }: Rival) => OPERATIONS.filter((operation) => operation !== 'ask' || asks)

/** Warm, and knowing how many operations make a slice: of CPU time, for where others work the clock goes on. */
async function racerOf(rival: Rival, member: Member, seconds: number): Promise<Racer> {
  const rounds = { tell: [], ask: [] }
  const racer: Racer = { rival, member, held: 0, rounds, counts: { tell: 256, ask: 256 }, bytesEach: 0 }
  const sliceMs = seconds * SLICE_MS_PER_S
  for (const operation of operationsOf(rival)) {
    for (;;) {
      const { cpuMs } = await once(racer, operation)
      if (cpuMs > sliceMs || racer.counts[operation] >= COUNT_MAX) break
      racer.counts[operation] *= 2
    }
  }
  return racer
}

async function once(racer: Racer, operation: 'tell' | 'ask'): Promise<Done> {
  const count = racer.counts[operation]
  const done = await racer.member.run(operation, count)
  if (operation === 'tell') racer.held += count
  check(racer.rival, done.answer, racer.held)
  return done
}

function check({ label }: Rival, answer: number, expected: number): void {
  if (answer === expected) return
  throw new BenchError('BRUME_BENCH_MEMBER_FAILED', `${label}: a counter holds ${answer}, and ${expected} were told`)
}

/** Bytes of RSS that an actor takes which rests, in a process that has done nothing else. */
async function weigh(rival: Rival): Promise<number> {
  const member = (await rival.start?.()) as Member
  try {
    check(rival, (await member.run('idle', rival.idle / 10)).answer, rival.idle / 10)
    await member.run('rest', 0)
    const before = member.rssBytes
    check(rival, (await member.run('idle', rival.idle)).answer, rival.idle)
    await member.run('rest', 0)
    return (member.rssBytes - before) / rival.idle
  } finally {
    await member.stop()
  }
}

const perS = (racer: Racer, operation: 'tell' | 'ask') =>
  median(racer.rounds[operation].map(({ wallMs }) => (racer.counts[operation] / wallMs) * 1_000))

/** Where CPU time is told in steps of 10 ms, sums are better than medians. */
const cpuUs = (racer: Racer, operation: 'tell' | 'ask') => {
  const spentMs = racer.rounds[operation].reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  return (spentMs * 1_000) / (racer.counts[operation] * ROUNDS)
}

function rowsOf(racers: readonly Racer[]): readonly Row[] {
  const named = (label: string) => racers.find(({ rival }) => rival.label === label)
  const machine = named(MACHINE) as Racer
  const speeds = OPERATIONS.flatMap((operation) =>
    racers
      .filter(({ rival }) => operationsOf(rival).includes(operation))
      .map((racer): Row => {
        const cpuUsEach = cpuUs(racer, operation)
        const name = `${operation}, ${racer.rival.label}, ${cpuUsEach.toFixed(2)} us of CPU`
        const base = { ...row(name, perS(racer, operation)), cpuUsEach }
        if (racer === machine) return base
        return { ...base, against: `${MACHINE}, CPU time`, ratio: cpuUs(machine, operation) / cpuUsEach }
      })
  )
  const weights = racers.map(({ rival, bytesEach }): Row => {
    return { ...row(`idle actor, ${rival.label}, ${Math.round(bytesEach)} B of RSS`, null), bytesEach }
  })
  return [...speeds, ...weights, ...barOf(named(REDUCER), named(versionOf('nact')))]
}

function barOf(reducer: Racer | undefined, nact: Racer | undefined): readonly Row[] {
  if (reducer === undefined || nact === undefined) return []
  const ratio = cpuUs(nact, 'tell') / cpuUs(reducer, 'tell')
  const verdict = ratio >= REDUCER_BAR ? 'pass' : 'fail'
  const against = `${nact.rival.label}, dispatch, CPU time`
  return [{ ...row(`tell, ${REDUCER}`, perS(reducer, 'tell')), against, ratio, bar: `>= ${REDUCER_BAR}`, verdict }]
}

import type { PeerRow, PeerState, TestnetState } from '../runner/state.ts'
import { describe, timeColumn } from './describe.ts'
import { paint, type Span, type Style } from './paint.ts'

export interface Frame {
  readonly columns: number
  readonly rows: number
  readonly color: boolean
  /** Index of the peer that the keys act on. */
  readonly selected: number
}

/** Above this many peers the table scrolls with the selection, so that the time line keeps some lines. */
const EVENT_LINES_MIN = 5
const FIXED_LINES = 6
const NONE = '-'

const STATE_STYLE: Readonly<Record<PeerState, Style>> = {
  waiting: 'dim',
  starting: 'yellow',
  running: 'green',
  paused: 'yellow',
  killed: 'red',
  stopped: 'dim',
  failed: 'red'
}

interface Column {
  readonly title: string
  readonly width: number
  readonly left?: boolean
  text(row: PeerRow): string
  style?(row: PeerRow): Style | undefined
}

const whole = (value: number | undefined): string => (value === undefined ? NONE : String(Math.round(value)))

/** At most 6 characters up to 2 hours, or the columns of the table would run together. */
function milliseconds(value: number | undefined): string {
  if (value === undefined) return NONE
  const ms = Math.round(value)
  if (ms < 1_000) return `${ms} ms`
  return ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`
}

function membersUp(row: PeerRow): string {
  return row.members.length === 0 ? NONE : String(row.members.filter((member) => member.state === 'up').length)
}

/** A dead process's last sample is history: its cells are empty. */
function live<T>(row: PeerRow, read: (sample: NonNullable<PeerRow['sample']>) => T): T | undefined {
  const shown = row.state === 'running' || row.state === 'paused'
  return shown && row.sample !== undefined ? read(row.sample) : undefined
}

/** 80 characters together with the marker: the narrowest terminal in use shows all of it. */
const COLUMNS: readonly Column[] = [
  { title: 'peer', width: 5, left: true, text: (row) => row.name },
  { title: 'state', width: 9, left: true, text: (row) => row.state, style: (row) => STATE_STYLE[row.state] },
  { title: 'conn', width: 4, text: (row) => whole(live(row, (sample) => sample.connections)) },
  { title: 'knows', width: 6, text: (row) => live(row, () => membersUp(row)) ?? NONE },
  { title: 'group', width: 10, text: (row) => live(row, (sample) => sample.group?.state) ?? NONE },
  { title: 'height', width: 7, text: (row) => whole(live(row, (sample) => sample.group?.height)) },
  { title: 'view', width: 6, text: (row) => whole(live(row, (sample) => sample.group?.view)) },
  { title: 'notar.', width: 7, text: (row) => milliseconds(live(row, () => row.notarizedP50Ms)) },
  { title: 'final', width: 7, text: (row) => milliseconds(live(row, () => row.finalP50Ms)) },
  { title: 'lag', width: 7, text: (row) => milliseconds(live(row, (sample) => sample.lagMs)) },
  { title: 'weight', width: 7, text: (row) => whole(row.weight) },
  { title: 'MB', width: 4, text: (row) => whole(live(row, (sample) => sample.rssBytes / 1_048_576)) }
]

function cell(column: Column, text: string): string {
  return column.left === true ? text.padEnd(column.width) : text.padStart(column.width)
}

function titleSpans(state: TestnetState): readonly Span[] {
  const running = state.peers.filter((peer) => peer.state === 'running').length
  const mesh = state.meshedMs === undefined ? 'meshing' : `meshed in ${(state.meshedMs / 1_000).toFixed(1)} s`
  return [
    { text: 'brume testnet ', style: 'bold' },
    { text: `${state.runId}  ` },
    { text: `${running} of ${state.peers.length} peers running, ${state.discovery}, ` },
    { text: mesh, style: state.meshedMs === undefined ? 'yellow' : 'green' },
    { text: `, ${Math.floor(state.elapsedMs / 1_000)} s` }
  ]
}

function groupSpans(state: TestnetState): readonly Span[] {
  if (state.group === undefined) return [{ text: 'no group', style: 'dim' }]
  const count = Math.max(0, ...state.peers.flatMap((peer) => live(peer, (sample) => sample.group?.value) ?? []))
  const spread = state.heightMin === state.heightMax ? '' : ` (slowest ${state.heightMin})`
  return [
    { text: `${state.group} `, style: 'bold' },
    { text: `final height ${state.heightMax}`, style: 'cyan' },
    {
      text: `${spread}, count ${count}, notarized ${milliseconds(state.notarizedP50Ms)}, final ${milliseconds(state.finalP50Ms)}`
    },
    { text: `, ${state.submitted} sent, ${state.refused} refused` }
  ]
}

function peerSpans(row: PeerRow, selected: boolean): readonly Span[] {
  const cells = COLUMNS.map((column): Span => {
    const style = column.style?.(row)
    return style === undefined
      ? { text: cell(column, column.text(row)) }
      : { text: cell(column, column.text(row)), style }
  })
  return [{ text: selected ? '>' : ' ', style: 'cyan' }, ...cells]
}

/** The slice of the table that shows the selected row and leaves room for events. */
function visiblePeers(state: TestnetState, frame: Frame): readonly number[] {
  const room = Math.max(1, frame.rows - FIXED_LINES - EVENT_LINES_MIN)
  const first = Math.max(0, Math.min(frame.selected - Math.floor(room / 2), state.peers.length - room))
  return state.peers.map((_, index) => index).slice(first, first + room)
}

/**
 * The whole screen as text of at most `rows` lines of at most `columns` visible characters, without a
 * final line break. Pure: what it shows is in its arguments.
 */
export function render(state: TestnetState, frame: Frame): string {
  const table = visiblePeers(state, frame).flatMap((index) => {
    const row = state.peers[index]
    return row === undefined ? [] : [peerSpans(row, index === frame.selected)]
  })
  const room = Math.max(0, frame.rows - FIXED_LINES - table.length)
  const events = room === 0 ? [] : state.events.slice(-room)
  const lines: (readonly Span[])[] = [
    titleSpans(state),
    groupSpans(state),
    [],
    [{ text: ` ${COLUMNS.map((column) => cell(column, column.title)).join('')}`, style: 'dim' }],
    ...table,
    [],
    ...events.map((event) => [
      { text: `${timeColumn(event.atMs)}  `, style: 'dim' as const },
      { text: describe(event) }
    ]),
    [{ text: 'up/down select  k kill  r restart  p pause or resume  q quit', style: 'dim' }]
  ]
  return lines
    .slice(0, frame.rows)
    .map((spans) => paint(spans, frame.columns, frame.color))
    .join('\n')
}

/** SGR codes (ECMA-48 8.3.117) of the few styles the view uses. */
const SGR = { bold: 1, dim: 2, inverse: 7, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export type Style = keyof typeof SGR

export interface Span {
  readonly text: string
  readonly style?: Style
}

/** Cuts to `columns` visible characters, then colours: an escape code takes no place on the screen. */
export function paint(spans: readonly Span[], columns: number, color: boolean): string {
  let room = columns
  let line = ''
  for (const { text, style } of spans) {
    const visible = text.slice(0, Math.max(0, room))
    room -= visible.length
    line += color && style !== undefined && visible !== '' ? `\x1b[${SGR[style]}m${visible}\x1b[0m` : visible
  }
  return line
}

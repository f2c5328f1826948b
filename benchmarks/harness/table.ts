export type Cell = string | number | null

/** Digits that say something: three of them, and no more than two behind the point. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

const textOf = (cell: Cell): string => (cell === null ? '-' : typeof cell === 'number' ? figure(cell) : cell)

/** Columns as wide as their widest cell: text to the left, numbers to the right. */
export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head, ...rows.map((row) => row.map(textOf))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isText = head.map((_, column) => rows.some((row) => typeof row[column] === 'string'))
  const pad = (cell: string, column: number): string =>
    isText[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}

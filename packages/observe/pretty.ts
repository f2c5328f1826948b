const LEVEL_NAMES: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info ', 40: 'warn ', 50: 'error' }

/** Fields that have a place of their own in the line, or none. */
const PLACED = new Set(['level', 'time', 'name', 'msg', 'pid'])

/** One of pino's JSON lines as a line for people; text that is not such a line stays as it is. */
export function prettyLine(line: string): string {
  const fields = parse(line)
  if (!fields) return line
  const time = new Date(Number(fields.time)).toISOString().slice(11, 23)
  const level = LEVEL_NAMES[Number(fields.level)] ?? String(fields.level)
  const rest = Object.entries(fields)
    .filter(([key]) => !PLACED.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${[time, level, fields.name, fields.msg, ...rest].filter((part) => part !== undefined).join(' ')}\n`
}

function parse(line: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'time' in value ? { ...value } : undefined
  } catch {
    return undefined
  }
}

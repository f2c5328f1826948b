/** A fenced block of code: its language, the words after it, and the line (from 1) its code starts at. */
export interface Fence {
  readonly language: string
  readonly words: readonly string[]
  readonly line: number
  readonly code: string
}

export interface Markdown {
  readonly fences: readonly Fence[]
  /** Link and image targets outside code, with the line (from 1) they stand on. */
  readonly links: readonly { readonly target: string; readonly line: number }[]
  /** The anchors GitHub makes of the headings. */
  readonly anchors: ReadonlySet<string>
}

const FENCE = /^\s*(`{3,}|~{3,})\s*(\S*)\s*(.*)$/
const LINK = /\]\(<?([^)<>\s]+)>?(?:\s+"[^"]*")?\)|^\s*\[[^\]]+\]:\s*(\S+)|<(?:img|a)\s[^>]*(?:src|href)="([^"]+)"/g
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/

/** GitHub's slug: lower case, punctuation dropped, spaces to hyphens. Repeated headings get -1, -2. */
function slug(heading: string, taken: ReadonlySet<string>): string {
  const base = heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
  let name = base
  for (let count = 1; taken.has(name); count++) name = `${base}-${count}`
  return name
}

/** Reads what the checks need of one Markdown text: CommonMark's fences, inline and reference links, headings. */
export function readMarkdown(text: string): Markdown {
  const fences: Fence[] = []
  const links: { target: string; line: number }[] = []
  const anchors = new Set<string>()
  let open: { mark: string; language: string; words: string[]; line: number; code: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const [, mark = '', language = '', rest = ''] = FENCE.exec(line) ?? []
    if (open !== undefined) {
      if (mark.startsWith(open.mark) && language === '') {
        fences.push({ ...open, code: open.code.join('\n') })
        open = undefined
      } else open.code.push(line)
      continue
    }
    if (mark !== '') {
      open = { mark, language, words: rest.split(/\s+/).filter(Boolean), line: index + 2, code: [] }
      continue
    }
    const heading = HEADING.exec(line)?.[1]
    if (heading !== undefined) anchors.add(slug(heading, anchors))
    for (const [, inline, reference, html] of line.replace(/`[^`]*`/g, '``').matchAll(LINK))
      links.push({ target: inline ?? reference ?? html ?? '', line: index + 1 })
  }
  return { fences, links, anchors }
}

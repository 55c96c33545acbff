/** What the heading of a version says after the comma: a date, or `not released`. Undefined without a heading. */
export function statedDate(changelog: string, version: string): string | undefined {
  const heading = changelog.split('\n').find(line => line.startsWith(`## ${version}, `))
  return heading?.slice(`## ${version}, `.length).trim()
}

/** What is wrong with the changelog for a commit of this version; for a tag it must have a day. */
export function changelogProblem(changelog: string, version: string, isTag: boolean): string | undefined {
  const date = statedDate(changelog, version)
  if (date === undefined) return `CHANGELOG.md has no heading "## ${version}, not released"`
  if (isTag && !/^\d{4}-\d{2}-\d{2}$/.test(date))
    return `CHANGELOG.md says "${date}" for ${version}: write the day of the release`
  return undefined
}

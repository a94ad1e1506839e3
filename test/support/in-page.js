/** What tests ask of a page: these functions run in the browser, so they are plain JavaScript and see nothing of their module. */

/**
 * What is wrong with the page's layout as it stands: text of pictures that leaves its picture or runs over other text or over a bar, text that is wider than
 * its box or outside the window, and a page that is wider than its window. Each as a line; none is wanted.
 */
export function layoutFaults() {
  const faults = []
  const shown = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden'
  const short = (element) => `"${(element.textContent ?? '').trim().slice(0, 40)}"`
  const overlap = (a, b, slackPx) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > slackPx && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slackPx

  for (const svg of [...document.querySelectorAll('svg')].filter(shown)) {
    const frame = svg.getBoundingClientRect()
    const texts = [...svg.querySelectorAll('text')].map((element) => ({ element, box: element.getBoundingClientRect() }))
    const bars = [...svg.querySelectorAll('rect.fill-part, rect.fill-ink, rect.fill-blue, rect.fill-green')].map((bar) => bar.getBoundingClientRect())
    texts.forEach(({ element, box }, index) => {
      if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 0.5 || box.bottom > frame.bottom + 0.5) {
        faults.push(`clipped in a picture: ${short(element)}`)
      }
      for (const other of texts.slice(index + 1)) if (overlap(box, other.box, 1.5)) faults.push(`overlap: ${short(element)} and ${short(other.element)}`)
      const belongsOnBar = /\b(badge|on-blue|on-green)\b/.test(element.getAttribute('class') ?? '')
      if (!belongsOnBar && bars.some((bar) => overlap(box, bar, 2))) faults.push(`on a bar: ${short(element)}`)
    })
  }
  for (const element of [...document.querySelectorAll('h1, h2, h3, p, li, b, span, figcaption, summary, small, td, th, a')].filter(shown)) {
    const inScrolled = element.closest('.table') !== null && getComputedStyle(element.closest('.table')).overflowX === 'auto'
    const box = element.getBoundingClientRect()
    const isSkipLink = element.classList.contains('skip')
    if (!inScrolled && !isSkipLink && (box.right > window.innerWidth + 0.5 || box.left < -0.5)) faults.push(`outside the page: ${short(element)}`)
    if (getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth + 1) faults.push(`wider than its box: ${short(element)}`)
  }
  if (document.documentElement.scrollWidth > window.innerWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide in a window of ${window.innerWidth} px`)
  }
  return [...new Set(faults)]
}

/** Opens every part that can be opened. */
export function openAll() {
  for (const details of document.querySelectorAll('details')) details.open = true
}

/** Whether the element has the keyboard and is in sight. */
export function hasFocusInSight(element) {
  return element === document.activeElement && element.getBoundingClientRect().top >= 0
}

/** Texts of pictures that are drawn smaller than so many pixels where they are looked at. */
export function smallPictureText(leastPx) {
  const shown = [...document.querySelectorAll('svg')].filter((svg) => svg.getClientRects().length > 0)
  const texts = shown.flatMap((svg) => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
    return [...svg.querySelectorAll('text')].map((text) => ({ text: text.textContent, px: Number.parseFloat(getComputedStyle(text).fontSize) * scale }))
  })
  return texts.filter(({ px }) => px < leastPx - 0.01).map(({ text, px }) => `"${text}" has ${px.toFixed(1)} px`)
}

/** Lines of pictures whose colour is too near to the page's own (WCAG 2: 3 to 1 for what a picture shows). */
export function faintLines() {
  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  const luminance = ([red = 0, green = 0, blue = 0]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255)
  const ground = luminance(channels(getComputedStyle(document.documentElement).backgroundColor))
  const drawn = [...document.querySelectorAll('svg path')].map((path) => [path.getAttribute('class') ?? '', getComputedStyle(path)])
  // A filled shape that has an edge of its own in the picture needs no contrast: its edge has it.
  return drawn.flatMap(([name, { fill, stroke, opacity }]) => {
    const colour = stroke === 'none' ? fill : stroke
    const own = luminance(channels(colour))
    const ratio = (Math.max(ground, own) + 0.05) / (Math.min(ground, own) + 0.05)
    const isEdged = name === 'fill-soft' && drawn.some(([other]) => other === 'lag')
    return !isEdged && (ratio < 3 || Number(opacity) < 1) ? [`${name}: ${colour}`] : []
  })
}

/** Colours of texts that are too near to the page's own (WCAG 2: 4.5 to 1). */
export function lowContrast() {
  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((value) => Number(value) / 255)
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  const luminance = (colour) => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map(linear)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const ground = luminance(getComputedStyle(document.documentElement).backgroundColor)
  const ratio = (colour) => (Math.max(ground, luminance(colour)) + 0.05) / (Math.min(ground, luminance(colour)) + 0.05)
  const onPage = [...document.querySelectorAll('p, a:not(.skip), li, td, th, small, figcaption, summary, .tag')].map(
    (element) => getComputedStyle(element).color,
  )
  const inPictures = [...document.querySelectorAll('svg text:not(.badge, .on-blue, .on-green)')].map((element) => getComputedStyle(element).fill)
  return [...new Set([...onPage, ...inPictures])].filter((colour) => ratio(colour) < 4.5)
}

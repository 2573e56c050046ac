/// How the report looks: one column, system fonts, light or dark as the reader's system is. No script, no font, no picture from elsewhere.
enum ReportStyle {
  static let css = """
    :root {
      color-scheme: light dark;
      --paper: #faf9f6; --card: #ffffff; --ink: #1d2430; --soft: #5d6675; --line: #e3e1da; --shade: #f1efe9;
      --s1: #2a5d9c; --s2: #c2571a; --s3: #2f8a5b; --s4: #8a4fa8; --s5: #a8862a; --right: #2a5d9c; --wrong: #c2571a; --strong: #ffffff;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --paper: #14171c; --card: #1b1f26; --ink: #e4e7ec; --soft: #97a1b0; --line: #2d333d; --shade: #232830;
        --s1: #79aef2; --s2: #f0965a; --s3: #6cc795; --s4: #c79be0; --s5: #d9bb66; --right: #4f8fdf; --wrong: #e27a3c; --strong: #0d1014;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    }
    main { max-width: 860px; margin: 0 auto; padding: 48px 24px 72px; }
    header { display: flex; gap: 20px; align-items: center; margin-bottom: 28px; }
    header div { min-width: 0; overflow-wrap: anywhere; }
    header svg { width: 72px; height: 60px; flex: none; fill: var(--s1); }
    h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
    h2 { font-size: 20px; margin: 44px 0 6px; letter-spacing: -0.005em; }
    p { margin: 6px 0 12px; }
    .soft, figcaption { color: var(--soft); }
    figcaption { font-size: 14px; margin-top: 8px; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(142px, 1fr)); gap: 12px; margin: 0 0 20px; }
    .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px; }
    .tile b { display: block; font-size: 20px; line-height: 1.35; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; }
    .tile span { color: var(--soft); font-size: 14px; }
    .findings { margin: 0; padding: 0; list-style: none; }
    .findings li { padding: 7px 0 7px 18px; border-left: 3px solid var(--s1); margin-bottom: 6px; background: linear-gradient(90deg, var(--shade), transparent); }
    figure { margin: 12px 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; overflow-x: auto; }
    figure svg { display: block; width: 100%; height: auto; margin: 0 auto; }
    .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 12px; }
    .pair figure { margin: 0; }
    .key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; color: var(--soft); margin-bottom: 8px; }
    .key i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 6px; vertical-align: middle; }
    .grid { stroke: var(--line); stroke-width: 1; }
    .tick, .axis { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    .ideal { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 4 5; }
    .dot { stroke: var(--card); stroke-width: 2; }
    .line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); } .line.s3 { stroke: var(--s3); } .line.s4 { stroke: var(--s4); } .line.s5 { stroke: var(--s5); }
    .dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); } .dot.s3 { fill: var(--s3); } .dot.s4 { fill: var(--s4); } .dot.s5 { fill: var(--s5); }
    i.s1 { background: var(--s1); } i.s2 { background: var(--s2); } i.s3 { background: var(--s3); } i.s4 { background: var(--s4); } i.s5 { background: var(--s5); }
    .right, .bar { fill: var(--right); } .wrong { fill: var(--wrong); } .faint { fill: var(--soft); fill-opacity: 0.45; }
    .cell { font-size: 16px; font-weight: 600; fill: var(--ink); font-variant-numeric: tabular-nums; }
    .cell.small { font-size: 12px; font-weight: 400; }
    .cell.strong { fill: var(--strong); } .cell.none { fill: var(--soft); font-weight: 400; fill-opacity: 0.6; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
    th, td { text-align: right; padding: 5px 10px; border-bottom: 1px solid var(--line); }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    thead th { color: var(--soft); font-weight: 500; }
    tbody th { font-weight: 500; }
    tr:last-child th, tr:last-child td { border-bottom: 0; }
    tr.best td, tr.best th { font-weight: 700; }
    .bars th { white-space: nowrap; font-weight: 400; border: 0; } .bars td { border: 0; white-space: nowrap; color: var(--soft); }
    .bars .track { width: 62%; } .track span { display: block; height: 14px; border-radius: 4px; background: var(--right); min-width: 2px; }
    .facts th { width: 40%; text-align: left; font-weight: 400; color: var(--soft); }
    .facts td { text-align: left; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 13.5px; overflow-wrap: anywhere; }
    .mistakes { list-style: none; margin: 0; padding: 0; }
    .mistakes li { padding: 12px 0; border-bottom: 1px solid var(--line); }
    .mistakes li:last-child { border-bottom: 0; }
    blockquote { margin: 0 0 4px; font-family: Georgia, "Noto Serif", serif; font-size: 17px; overflow-wrap: anywhere; }
    .verdict { font-size: 14px; color: var(--soft); }
    .verdict b { color: var(--right); font-weight: 600; } .verdict em { color: var(--wrong); font-style: normal; font-weight: 600; }
    mark { background: none; color: inherit; } mark.for { color: var(--wrong); } mark.against { color: var(--right); } mark.most { font-weight: 700; }
    footer { margin-top: 56px; color: var(--soft); font-size: 14px; }
    details { margin: 8px 0 24px; } summary { cursor: pointer; color: var(--soft); overflow-wrap: anywhere; } caption { text-align: left; color: var(--soft); }
    h2, p, .findings li, .verdict { overflow-wrap: anywhere; }
    @media (max-width: 480px) { main { padding: 24px 14px 48px; } figure { padding: 12px; } }
    @media print { body { background: none; } figure, .tile { break-inside: avoid; } }
    """

  /// A martlet, drawn without feet.
  static let bird = """
    <svg viewBox="0 0 72 60" aria-hidden="true"><path d="M4 14 C18 12 27 17 33 25 C41 12 54 5 70 5 C60 10 53 17 49 27 C52 27 56 28 59 31 \
    C55 31 52 32 50 34 C46 41 38 44 31 42 C24 46 17 51 8 55 C12 49 15 46 19 42 C14 43 9 44 3 43 C12 40 19 36 24 31 C20 24 13 17 4 14 Z"/></svg>
    """
}

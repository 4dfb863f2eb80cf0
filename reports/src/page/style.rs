//! The style sheet.

use crate::plot::theme;

/// Everything, with the colours of the pictures.
pub(crate) fn sheet() -> String {
    let light = format!("{LIGHT}{}", theme::variables(false));
    let dark = format!("{DARK}{}", theme::variables(true));
    format!(
        ":root{{{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n\
         @media screen{{:root[data-theme=dark]{{{dark}}}}}\n\
         {SHEET}{}",
        theme::rules()
    )
}

const LIGHT: &str = "--bg:#f5f6f8;--card:#fff;--ink:#1b2430;--soft:#5a6676;--line:#e2e6eb;--link:#1f5a99;\
    --good:#18794e;--good-bg:#dff3e8;--warn:#8a5a00;--warn-bg:#fbeecb;--bad:#b3261e;--bad-bg:#fbe3e1;--meter:#d9e8f6;color-scheme:light;";
const DARK: &str = "--bg:#12161c;--card:#1a2029;--ink:#e7ebf1;--soft:#9ca8b8;--line:#2f3a48;--link:#8fbdee;\
    --good:#6fd6a5;--good-bg:#163528;--warn:#f0c267;--warn-bg:#3a2e12;--bad:#ff9b93;--bad-bg:#43201e;--meter:#24384d;color-scheme:dark;";

const SHEET: &str = r#"
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 20px 64px}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
.kicker{margin:0;color:var(--soft);font-size:12px;letter-spacing:.09em;text-transform:uppercase}
.title{display:flex;flex-wrap:wrap;align-items:center;gap:4px 16px}
header{margin-bottom:20px}
h1{margin:2px 0;font-size:30px;line-height:1.2;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{margin:0 0 4px;font-size:21px;letter-spacing:-.01em}
h3{margin:0;font-size:16px;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}
.sub{margin:2px 0 0;color:var(--soft)}
.lead{margin:8px 0 16px;max-width:78ch}
section .lead{color:var(--soft);font-size:14px}
.verdict{padding:3px 14px;border-radius:99px;font-weight:650;font-size:15px;letter-spacing:.02em}
.verdict.good{color:var(--good);background:var(--good-bg)}
.verdict.warn{color:var(--warn);background:var(--warn-bg)}
.verdict.bad{color:var(--bad);background:var(--bad-bg)}
.verdict.small{padding:1px 9px;font-size:12.5px;margin:0 0 0 10px}
.lines{scroll-margin-top:12px}.lines:target pre{border-color:var(--link)}.behind{color:inherit;text-decoration:underline;text-decoration-color:var(--line);text-underline-offset:3px}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:20px 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;display:flex;flex-direction:column}
.tile .what{color:var(--soft);font-size:13px}
.tile .value{font-size:25px;font-weight:620;letter-spacing:-.02em;font-variant-numeric:tabular-nums;line-height:1.35}
.tile .value small{font-size:14px;font-weight:500;letter-spacing:0;color:var(--soft)}
.tile .note{color:var(--soft);font-size:13px}
nav{display:flex;flex-wrap:wrap;gap:2px 18px;margin:22px 0 14px;padding:10px 0;border-bottom:1px solid var(--line);font-size:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:0 0 18px;scroll-margin-top:12px}
figure{margin:14px 0 6px}
figcaption{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;font-size:14px;margin-bottom:4px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;color:var(--soft);font-size:13px}
.key{white-space:nowrap}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
figure svg{display:block;width:100%;height:auto}
figure svg text{font-family:inherit}
.narrow{display:none}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:8px 24px;margin-top:10px}
.caption{font-weight:600;font-size:13.5px;margin:18px 0 4px}
.caption .data{font-weight:400;font-size:12.5px;margin-left:6px}
.scroll{overflow-x:auto;margin:0 0 4px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{padding:5px 10px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:550;vertical-align:bottom;font-size:12.5px;line-height:1.3}
td.n,th.n{text-align:right;padding:5px 0 5px 12px;font-variant-numeric:tabular-nums}
td.n{white-space:nowrap}
td:first-child{white-space:nowrap}
th:first-child,td:first-child{position:sticky;left:0;background:var(--card)}
td.zero{color:var(--soft);opacity:.65}
table.short{width:auto;min-width:min(100%,440px)}
tr.group th{padding-top:14px;font-size:12px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);font-weight:600}
tr.total td{font-weight:620}
tbody tr:last-child td{border-bottom-color:transparent}
.meter{display:inline-block;min-width:64px;padding:0 5px;border-radius:4px;background:linear-gradient(90deg,var(--meter) var(--v),transparent var(--v));box-shadow:inset 0 0 0 1px var(--line)}
.source,.small{margin:6px 0 0;color:var(--soft);font-size:13px}
.none{color:var(--soft);font-style:italic}
.finding{border-left:4px solid var(--line);padding:2px 0 4px 16px;margin:18px 0}
.finding.bad{border-color:var(--bad)}.finding.warn{border-color:var(--warn)}
.finding p{margin:4px 0;max-width:86ch}
.finding .count{color:var(--bad);font-weight:600;font-size:14px}.finding.warn .count{color:var(--warn)}
.clause{color:var(--soft);font-size:13.5px}
details{margin:6px 0}
summary{cursor:pointer;padding:3px 0}
.rules>summary{padding:6px 0;border-bottom:1px solid var(--line)}
.rules td:nth-child(1){white-space:nowrap;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px}
pre{margin:4px 0 8px;padding:10px 12px;background:var(--bg);border:1px solid var(--line);border-radius:8px;overflow-x:auto;line-height:1.45;font-size:12.5px}
.pair-of{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:2px 0 6px}
.pair-of dt{color:var(--soft)}.pair-of dd{margin:0;overflow-wrap:anywhere}
#words dl{margin:8px 0 0;columns:2;column-gap:32px;font-size:14px}
#words dl div{break-inside:avoid;margin-bottom:10px}
#words dt{font-weight:620}#words dd{margin:0;color:var(--soft)}
#conditions #table-headline td:first-child{white-space:normal}
#conditions td{overflow-wrap:anywhere}
@media (max-width:900px){.tiles{grid-template-columns:repeat(2,1fr)}.pair{grid-template-columns:1fr}}
@media (max-width:600px){
main{padding:18px 10px 40px}section{padding:16px 14px;border-radius:10px}h1{font-size:24px}
.tiles{gap:8px}.tile{padding:10px}.tile .value{font-size:20px}.tile .note,.tile .what{font-size:12.5px}
.wide{display:none}.narrow{display:block}#words dl{columns:1}
#conditions table td:first-child{white-space:normal;min-width:110px}
}
@media print{
body{background:#fff;font-size:11px}main{max-width:none;padding:0}nav,.data,.source{display:none}
section{border:0;padding:0;margin:0 0 18px}h2,.lead,.caption{break-after:avoid}figure,.tile,.finding,tr{break-inside:avoid}
.tiles{grid-template-columns:repeat(4,1fr)}.pair{grid-template-columns:1fr 1fr}.wide{display:block}.narrow{display:none}
table{font-size:9.5px}.scroll{overflow:visible}a{color:inherit}
.meter,.swatch,.verdict,svg{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
"#;

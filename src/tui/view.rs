//! The screen: what a [`Model`] looks like at a moment. Pure but for the frame it draws into.
//!
//! Everything that comes from outside goes through [`plain`] here. Colour says what words say, too, and comes from the
//! terminal's own sixteen.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row as TableRow, Table, TableState};
use textwrap::core::display_width;

use super::model::{Daemon, Model, Over, Size, Text, wrap};
use crate::describe;
use crate::ipc::protocol::ShareInfo;
use crate::plain::plain;
use crate::share::Status;

/// Columns from which the age of a share stands in the list.
const SMALL: u16 = 44;
/// Columns from which the tunnel provider stands in the list.
const MEDIUM: u16 = 60;
/// Columns from which the URL does, too: it takes some 90.
const WIDE: u16 = 140;
/// Rows that a notice may take.
const NOTICE_ROWS: usize = 3;
/// Columns of the names in the details.
const LABEL: usize = 10;
/// What is told of a share, the most wanted first: what does not fit is left out at the end.
const ORDER: [&str; 13] = [
    "status",
    "reason",
    "remedy",
    "retried",
    "url",
    "public",
    "follows",
    "expires",
    "by",
    "since",
    "recovered",
    "file",
    "id",
];
const KEYS: &str = "↑↓ choose  ⏎ open  c copy URL  t try again  d stop  L log  ? more  q quit";
const TEXT_KEYS: &str = "↑↓ scroll  space next page  g start  G end  q back";
const HELP: [(&str, &str); 11] = [
    ("j k ↑ ↓", "choose a share"),
    ("g G", "the first, the last"),
    ("⏎ v", "open its page in the browser"),
    ("c", "copy its URL"),
    ("t", "start its tunnel afresh, now"),
    ("d", "stop it"),
    ("L", "the log of its tunnel"),
    ("H", "what happened to it, and when"),
    ("ctrl-z", "back to the shell; `fg` comes back"),
    ("?", "this help"),
    ("q", "quit; shares stay up"),
];

/// A column of the list.
struct Column {
    name: &'static str,
    /// Columns of the screen from which it is shown.
    from: u16,
    width: Constraint,
    of: fn(&ShareInfo, Timestamp) -> Span<'static>,
}

const COLUMNS: [Column; 5] = [
    Column { name: "NAME", from: 0, width: Constraint::Fill(1), of: |share, _| word(&share.session_name) },
    Column {
        name: "STATUS",
        from: 0,
        width: Constraint::Length(18),
        of: |share, _| word(&status(share)).style(colour(share)),
    },
    Column {
        name: "BY",
        from: MEDIUM,
        width: Constraint::Length(11),
        of: |share, _| word(&share.provider_name),
    },
    Column {
        name: "SINCE",
        from: SMALL,
        width: Constraint::Length(8),
        of: |share, now| word(&describe::ago(&share.started_at, now)),
    },
    Column { name: "URL", from: WIDE, width: Constraint::Length(92), of: |share, _| word(url(share)) },
];

/// Draws it all. `scrolled` is kept between two drawings.
pub fn draw(model: &Model, now: Timestamp, frame: &mut Frame<'_>, scrolled: &mut TableState) {
    let area = frame.area();
    if let Some(Over::Text(text)) = &model.over {
        return draw_text(text, frame);
    }
    let footer = footer(model, area.width);
    let below = model.chosen().map_or_else(Vec::new, |row| details(&row.at(now), area.width));
    let list = u16::try_from(model.rows.len() + 1).unwrap_or(u16::MAX).max(2);
    let foot = u16::try_from(footer.len()).unwrap_or(1);
    // The list has what it needs, up to half of the screen, or more where the details need less.
    let room = area.height.saturating_sub(1 + foot);
    let wanted = u16::try_from(below.len()).unwrap_or(u16::MAX);
    let share = room.div_ceil(2).max(room.saturating_sub(wanted));
    let [head, middle, rest, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(if below.is_empty() { room } else { list.min(share) }),
        Constraint::Fill(1),
        Constraint::Length(foot),
    ])
    .areas(area);
    frame.render_widget(header(model, head.width), head);
    match model.rows.is_empty() {
        true => frame.render_widget(nothing(model), middle),
        false => draw_list(model, now, frame, middle, scrolled),
    }
    frame.render_widget(Paragraph::new(below), rest);
    frame.render_widget(Paragraph::new(footer), bottom);
    match &model.over {
        Some(Over::Help) => {
            let lines = HELP.iter().map(|(keys, what)| Line::from(format!(" {keys:<8}  {what} "))).collect();
            draw_box("keys", lines, frame);
        }
        Some(Over::Stop(named)) => {
            let name = cut(&plain(&named.name), usize::from(area.width).saturating_sub(12));
            let lines = vec![
                Line::from(format!(" Stop {name}? ")).bold(),
                Line::from(" Its page and its URL are gone at once. "),
                Line::from(" y: stop it   any other key: keep it "),
            ];
            draw_box("stop", lines, frame);
        }
        Some(Over::Text(_)) | None => {}
    }
}

fn header(model: &Model, width: u16) -> Line<'static> {
    let troubled = model.rows.iter().filter(|row| row.troubled()).count();
    let count = match model.rows.len() {
        1 => "1 share".to_owned(),
        many => format!("{many} shares"),
    };
    let trouble = if troubled > 0 { format!(", {troubled} in trouble") } else { String::new() };
    let daemon = match model.daemon {
        Daemon::Asked => "asking the daemon…",
        Daemon::Up => "daemon running",
        Daemon::Down => "daemon not running",
        Daemon::Unreachable(_) => "daemon unreachable",
    };
    let style = match model.daemon {
        Daemon::Asked | Daemon::Up => Style::new(),
        Daemon::Down => Style::new().fg(Color::Yellow),
        Daemon::Unreachable(_) => Style::new().fg(Color::Red),
    };
    let mut left = vec![Span::from(" panko  ").bold(), Span::from(count), Span::from(trouble).fg(Color::Red)];
    let mut right = Span::from(format!("{daemon} ")).style(style);
    let taken =
        |left: &[Span<'_>], right: &Span<'_>| left.iter().map(Span::width).sum::<usize>() + right.width();
    // Where there is no room for both, the one that is out of order.
    if taken(&left, &right) >= usize::from(width) {
        match model.daemon {
            Daemon::Up => right = Span::default(),
            _ => left.truncate(1),
        }
    }
    let gap = usize::from(width).saturating_sub(taken(&left, &right));
    left.extend([Span::from(" ".repeat(gap)), right]);
    Line::from(left)
}

/// Where there are no shares: why, and what to do.
fn nothing(model: &Model) -> Paragraph<'static> {
    let text = match &model.daemon {
        Daemon::Asked => String::new(),
        Daemon::Up => {
            "Nothing is shared. `panko share FILE` shares a session; `panko sessions` lists yours.".to_owned()
        }
        Daemon::Down => {
            "Nothing is shared, and the daemon is not running. `panko share FILE` starts it.".to_owned()
        }
        Daemon::Unreachable(why) => {
            format!("{} `panko serve-status` may tell more.", plain(&format!("{why}.")))
        }
    };
    Paragraph::new(format!("\n{text}"))
        .wrap(ratatui::widgets::Wrap { trim: true })
        .block(Block::new().padding(ratatui::widgets::Padding::horizontal(1)))
}

fn draw_list(model: &Model, now: Timestamp, frame: &mut Frame<'_>, area: Rect, scrolled: &mut TableState) {
    let columns = COLUMNS.iter().filter(|column| area.width >= column.from);
    let rows = model.rows.iter().map(|row| {
        let share = row.at(now);
        let cells = columns.clone().map(|column| Cell::new((column.of)(&share, now)));
        TableRow::new(cells.collect::<Vec<_>>())
    });
    let names = columns.clone().map(|column| column.name);
    let widths = columns.clone().map(|column| column.width);
    let table = Table::new(rows, widths)
        .header(TableRow::new(names).style(Style::new().add_modifier(Modifier::DIM)))
        .highlight_symbol("▸")
        .highlight_spacing(ratatui::widgets::HighlightSpacing::Always)
        .row_highlight_style(Style::new().add_modifier(Modifier::BOLD));
    scrolled.select(Some(model.selected));
    frame.render_stateful_widget(table, area, scrolled);
}

/// The status, and what follows it.
fn status(share: &ShareInfo) -> String {
    match (share.status, share.next_attempt_in) {
        (Status::Error, Some(secs)) => format!("error, retry {secs} s"),
        (Status::Error, None) => match share.phase.as_str() {
            "gave_up" => "error, gave up".to_owned(),
            _ => "error".to_owned(),
        },
        _ => describe::status(share),
    }
}

/// The URL, while it leads to the page.
fn url(share: &ShareInfo) -> &str {
    if share.status == Status::Active { &share.public_url } else { "-" }
}

/// Text from outside, fit for the terminal.
fn word(text: &str) -> Span<'static> {
    Span::from(plain(text).into_owned())
}

fn colour(share: &ShareInfo) -> Style {
    match share.status {
        Status::Active => Style::new().fg(Color::Green),
        Status::Starting => Style::new().fg(Color::Yellow),
        Status::Error => Style::new().fg(Color::Red),
        Status::Stopped => Style::new().add_modifier(Modifier::DIM),
    }
}

/// All that is known of a share, below its name.
fn details(share: &ShareInfo, width: u16) -> Vec<Line<'static>> {
    let name = cut(&plain(&share.session_name), usize::from(width).saturating_sub(6));
    let rule = usize::from(width).saturating_sub(display_width(&name) + 4);
    let mut lines = vec![Line::from(vec![
        Span::from("── ").dim(),
        Span::from(name).bold(),
        Span::from(format!(" {}", "─".repeat(rule))).dim(),
    ])];
    let facts = describe::facts(share);
    for label in ORDER {
        let Some((_, value)) = facts.iter().find(|(name, _)| *name == label) else { continue };
        let style = match label {
            "status" => colour(share),
            "reason" if share.status != Status::Active => Style::new().fg(Color::Red),
            _ => Style::new(),
        };
        let room = usize::from(width).saturating_sub(LABEL + 2);
        for (index, part) in wrap(&plain(value), room).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(Line::from(vec![
                Span::from(format!(" {label:<LABEL$}")).dim(),
                Span::from(part).style(style),
            ]));
        }
    }
    lines
}

/// The latest notice, or the keys.
fn footer(model: &Model, width: u16) -> Vec<Line<'static>> {
    let Some(notice) = &model.notice else { return vec![Line::from(format!(" {KEYS}")).dim()] };
    let style = if notice.failed { Style::new().fg(Color::Red) } else { Style::new() };
    wrap(&plain(&notice.text), usize::from(width).saturating_sub(2))
        .into_iter()
        .take(NOTICE_ROWS)
        .map(|line| Line::from(format!(" {line}")).style(style))
        .collect()
}

fn draw_text(text: &Text, frame: &mut Frame<'_>) {
    let area = frame.area();
    let size = Size { width: area.width, height: area.height };
    let [head, middle, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(Line::from(format!(" {}", text.title)).bold(), head);
    let lines = text.wrapped(size).into_iter().skip(text.top).take(Text::page(size)).map(Line::from);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), middle);
    frame.render_widget(Line::from(format!(" {TEXT_KEYS}")).dim(), foot);
}

/// A box in the middle of the screen, as large as its lines.
fn draw_box(title: &'static str, lines: Vec<Line<'static>>, frame: &mut Frame<'_>) {
    let width = lines.iter().map(Line::width).max().unwrap_or_default() + 2;
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = frame
        .area()
        .centered(Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)), Constraint::Length(height));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(format!(" {title} "))), area);
}

/// `text` in at most `width` columns.
fn cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let first = wrap(text, width.saturating_sub(1)).into_iter().next();
    format!("{}…", first.unwrap_or_default())
}

//! Images and documents.

use super::figures::bytes;
use super::html::Html;
use super::scene::Scene;
use crate::session::model::Attachment;

/// Largest picture on the page, in CSS pixels.
const WIDEST: u32 = 640;
const HIGHEST: u32 = 384;

/// Appends an attachment: the picture, or a link to the document. `what`: `Pasted image`, `Image`.
pub(super) fn attachment(html: &mut Html, scene: &Scene, file: &Attachment, what: &'static str) {
    let url = scene.attachment(file.no);
    let mut facts = vec![kind(file.media_type).to_owned()];
    if let Some((width, height)) = file.size {
        facts.push(format!("{width} × {height}"));
    }
    if file.bytes > 0 {
        facts.push(bytes(file.bytes));
    }
    let facts = facts.join(", ");
    html.raw("<figure class=\"shot\"><a href=\"").html(&url).raw("\">");
    if !picture(file.media_type) {
        html.raw("Document</a><figcaption>").text(&facts).raw("</figcaption></figure>");
        return;
    }
    html.raw("<img src=\"").html(&url).raw("\" alt=\"").raw(what).raw(" ").text(&file.no.to_string());
    html.raw("\" loading=\"lazy\"");
    if let Some((width, height)) = file.size.map(shown) {
        html.raw(" width=\"").num(width).raw("\" height=\"").num(height).raw("\"");
    }
    html.raw("></a><figcaption>").raw(what).raw(", ").text(&facts).raw("</figcaption></figure>");
}

/// The size to name for a picture of this many pixels. The style sheet narrows what is too wide, and keeps its
/// shape; of what is too high the width is known here alone, and the page keeps that room until it is fetched.
fn shown((width, height): (u32, u32)) -> (u32, u32) {
    let (wide, high) = (u64::from(width), u64::from(height));
    if high * u64::from(WIDEST) <= u64::from(HIGHEST) * wide.max(u64::from(WIDEST)) {
        return (width, height);
    }
    let narrowed = u32::try_from(wide * u64::from(HIGHEST) / high).unwrap_or(width);
    (narrowed.max(1), HIGHEST)
}

/// Whether browsers show it in `<img>`.
fn picture(media_type: &str) -> bool {
    matches!(media_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

fn kind(media_type: &'static str) -> &'static str {
    match media_type {
        "image/png" => "PNG",
        "image/jpeg" => "JPEG",
        "image/gif" => "GIF",
        "image/webp" => "WebP",
        "application/pdf" => "PDF",
        "text/plain" => "text",
        _ => "file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_high_is_named_narrower_and_all_else_as_it_is() {
        for (size, named) in [
            ((640, 384), (640, 384)),
            ((1280, 768), (1280, 768)),
            ((1280, 400), (1280, 400)),
            ((1280, 769), (639, 384)),
            ((10, 384), (10, 384)),
            ((100, 800), (48, 384)),
            ((1, u32::MAX), (1, 384)),
            ((u32::MAX, 1), (u32::MAX, 1)),
        ] {
            assert_eq!(shown(size), named, "{size:?}");
        }
    }
}

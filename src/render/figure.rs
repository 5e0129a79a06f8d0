//! Images and documents.

use super::figures::bytes;
use super::html::Html;
use super::scene::Scene;
use crate::session::model::Attachment;

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
    if let Some((width, height)) = file.size {
        html.raw(" width=\"").num(width).raw("\" height=\"").num(height).raw("\"");
    }
    html.raw("></a><figcaption>").raw(what).raw(", ").text(&facts).raw("</figcaption></figure>");
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

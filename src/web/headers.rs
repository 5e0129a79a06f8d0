//! What every answer carries, whatever its status.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// No inline script, nothing from another origin, not inside anybody's frame. The one inline style is that of the small
/// pages, which stand where there is nothing to refer to: `render::NOTICE_STYLE`, by its hash.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    style-src 'self' 'sha256-EBEvCpmL7upXN7yYuHbAIuRVB9KLJyCZU635MXwEr94='; script-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The headers of every answer. `Cache-Control` is per answer and not among them.
pub const ALWAYS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex, nofollow, noarchive"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()"),
];

/// Adds [`ALWAYS`] to `headers`.
pub fn add(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_the_style_of_the_small_pages_and_no_other() {
        let hash = data_encoding::BASE64.encode(&Sha256::digest(crate::render::NOTICE_STYLE));
        let allowed = format!("style-src 'self' 'sha256-{hash}';");
        assert!(CONTENT_SECURITY_POLICY.contains(&allowed), "it should say {allowed}");
    }
}

use super::*;
use crate::tunnel::extract::Extractor;

fn environment() -> Vec<(String, String)> {
    [("PATH", "/bin"), ("TUNNEL_LOGLEVEL", "error"), ("CANARY", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

fn cloudflare(help: Option<&str>) -> TunnelSpec {
    let custom = BTreeMap::new();
    let provider = Provider::find("cloudflare", &custom).unwrap();
    let environment = environment();
    let context = Context { program: Path::new("/opt/cloudflared"), help, environment: &environment };
    tunnel_spec(&provider, context).unwrap().unwrap()
}

#[test]
fn local_has_no_client() {
    let custom = BTreeMap::new();
    let provider = Provider::find("local", &custom).unwrap();
    assert_eq!(provider.program(), None);
    let context = Context { program: Path::new(""), help: None, environment: &[] };
    assert!(tunnel_spec(&provider, context).unwrap().is_none());
}

#[test]
fn an_unknown_provider_is_answered_with_those_there_are() {
    let custom: BTreeMap<String, CustomProvider> =
        toml::from_str("[mine]\ncommand = ['a', '{port}']\nurl_regex = 'x'").unwrap();
    let error = Provider::find("ngork", &custom).unwrap_err();
    assert_eq!(error.to_string(), "there is no provider \"ngork\"; known are local, cloudflare, mine");
    assert_eq!(Provider::find("mine", &custom).unwrap().program(), Some("a"));
}

#[test]
fn cloudflared_gets_an_empty_config_and_none_of_our_environment() {
    let spec = cloudflare(None);
    let position = spec.args.iter().position(|arg| arg == "--config").unwrap();
    assert_eq!(spec.args[position + 1], "{config}");
    assert_eq!(spec.config_file.as_deref(), Some("{}\n"));
    assert_eq!(spec.args.last().unwrap(), "http://127.0.0.1:{port}");
    assert_eq!(spec.env.0.keys().map(String::as_str).collect::<Vec<_>>(), ["NO_COLOR", "PATH"]);
}

#[test]
fn an_optional_flag_is_given_only_when_the_help_lists_it() {
    let flag = "--no-prechecks";
    let given = |help| cloudflare(help).args.iter().any(|arg| arg == flag);
    assert!(!given(None));
    assert!(!given(Some("--no-prechecks-at-all  another one")));
    assert!(given(Some("   --no-prechecks   Skip them (default: false) [$TUNNEL_NO_PRECHECKS]")));
    assert!(given(Some("--no-prechecks=false")));
}

#[test]
fn every_row_compiles() {
    for row in TABLE {
        let environment: Vec<_> =
            row.env_required.iter().map(|n| ((*n).to_owned(), "x".to_owned())).collect();
        let context = Context { program: Path::new("/p"), help: None, environment: &environment };
        if let Some(spec) = tunnel_spec(&Provider::BuiltIn(row), context).unwrap() {
            Extractor::new(&spec.watch, 1).unwrap();
            assert!(
                spec.args.iter().any(|arg| arg.contains("{port}")),
                "{} does not say where the page is",
                row.name
            );
        }
        assert!(row.traits.rate_limit_wait >= Duration::from_secs(60), "{}", row.name);
    }
}

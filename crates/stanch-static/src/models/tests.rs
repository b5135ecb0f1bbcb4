//! The language of models, its errors, and that the built-in files load.
use super::{Comparison, Condition, Effect, Expression, Models, NewBlock, matches_pattern, parse};

fn argument(index: usize) -> Box<Expression> {
    Box::new(Expression::Argument(index))
}

#[test]
fn built_in_models_load() {
    let models = Models::built_in().unwrap();
    assert!(models.find("malloc", "malloc").is_some());
    assert!(models.find("no_such_function", "no_such_function").is_none());
    assert_eq!(models.releaser("malloc"), Some("free"));
}

#[test]
fn expressions_are_read() {
    let sum = Expression::Sum(argument(0), Box::new(Expression::Int(8)));
    assert_eq!(parse::expression("*(arg0 + 8)"), Ok(Expression::Content(Box::new(sum))));
    assert_eq!(parse::expression("-1.."), Ok(Expression::Range(-1, i64::MAX)));
    assert_eq!(parse::expression("..-1"), Ok(Expression::Range(i64::MIN, -1)));
    let block = NewBlock {
        family: "malloc".to_owned(),
        size: Some(Box::new(Expression::Product(argument(0), argument(1)))),
        is_zero: true,
        or_null: true,
    };
    assert_eq!(parse::expression("new(malloc, size = arg0 * arg1, zero, or_null)"), Ok(Expression::New(block)));
    assert_eq!(
        parse::condition("*arg0 != null"),
        Ok(Condition {
            left: Expression::Content(argument(0)),
            comparison: Comparison::NotEqual,
            right: Expression::Int(0)
        })
    );
    let address = Expression::Argument(1);
    assert_eq!(parse::effect("*arg1 = any"), Ok(Effect::Store { address, value: Expression::Any }));
}

#[test]
fn wrong_texts_are_errors() {
    let deep = "(".repeat(100_000);
    let contents = "*".repeat(100_000);
    for text in ["", "arg", "arg0 +", "new()", "new(malloc", "9999999999999999999999", "é", "call()", &deep, &contents]
    {
        assert!(parse::expression(text).is_err(), "`{text}` is read");
    }
    for text in ["release(arg0)", "keep()", "*arg0", "copy(arg0)", "frobnicate(arg0)"] {
        assert!(parse::effect(text).is_err(), "`{text}` is read");
    }
    let error = Models::default().add("mine.toml", "[[function]]\nnames = [\"f\"]\noutcomes = [{ returns = \"arx\" }]");
    assert_eq!(
        error.unwrap_err().to_string(),
        "model of `f` in `mine.toml`: cannot read `arx`: expected a value at `arx`"
    );
    assert!(Models::default().add("mine.toml", "[[function]]\nname = \"f\"").is_err());
}

#[test]
fn patterns_stand_for_names() {
    assert!(matches_pattern("std::basic_ostream<*>::operator<<*", "std::basic_ostream<char>::operator<<(int)"));
    assert!(matches_pattern("exact", "exact"));
    assert!(!matches_pattern("exact", "exactly"));
    assert!(!matches_pattern("a*bc*c", "abc"));
}

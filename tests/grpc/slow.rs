//! Callers that are slow, silent, or gone: each gets its time and no more, and leaves nothing half done.

use bytes::Bytes;
use tongguan::{
    grpc::{
        Options,
        proto::{ListRequest, SubmitStreamRequest, TailRequest},
    },
    party::Role,
};

use super::{
    raw::{Hand, PATIENCE, begun, frame, framed, read, until_closed},
    samples::submit,
    world::{World, bounded_world},
};

/// A second for everything.
fn short() -> Options {
    Options { handshake_s: 1, keepalive_s: 1, stall_s: 1, idle_s: 1, drain_s: 1, request_timeout_s: 1, ..Options::default() }
}

/// Patient with what is not looked at.
fn patient() -> Options {
    Options { keepalive_s: 60, ..Options::default() }
}

async fn kept(world: &World) -> usize {
    let list = ListRequest { page_size: 500, ..ListRequest::default() };
    world.declarations("").list(list).await.unwrap().into_inner().declarations.len()
}

fn in_both(message: &str) -> bool {
    message.split_once(" / ").is_some_and(|(zh, en)| !zh.is_ascii() && !en.is_empty())
}

fn item(number: usize) -> SubmitStreamRequest {
    SubmitStreamRequest { item_id: number.to_string(), submit: Some(submit(&format!("S{number}"), &format!("W{number}"))) }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_is_let_go() {
    let world = bounded_world(&[], short()).await;
    let address = world.address;
    let silent = tokio::task::spawn_blocking(move || until_closed(&mut std::net::TcpStream::connect(address).unwrap()));
    let begins = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        for byte in &super::raw::PREFACE[..20] {
            if stream.write_all(&[*byte]).is_err() {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        until_closed(&mut stream).is_some()
    });
    // Speaks once and then answers no question whether it is there: half open, or gone.
    let gone = tokio::task::spawn_blocking(move || until_closed(&mut begun(address)));
    assert!(silent.await.unwrap().is_some(), "nothing was ever said");
    assert!(begins.await.unwrap(), "a byte now and then");
    assert!(gone.await.unwrap().is_some(), "no answer to a ping");
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_is_let_go() {
    let world = bounded_world(&[], Options { stall_s: 1, ..patient() }).await;
    let address = world.address;
    let flood = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut stream = begun(address);
        let pings = frame(6, 0, 0, &[7; 8]).repeat(4_096);
        // Each is answered, and no answer is read.
        (0..10_000).any(|_| stream.write_all(&pings).is_err())
    });
    assert!(tokio::time::timeout(PATIENCE * 2, flood).await.unwrap().unwrap(), "pings without end were taken");
    assert_eq!(kept(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_is_given_up() {
    let world = bounded_world(&[], Options { keepalive_s: 60, ..short() }).await;
    let hand = Hand::reach(world.address, 65_535).await;
    let mut call = hand.call("Declarations/Submit", &[]).await;
    let request = framed(&submit("A1", "W1"));
    call.send(request.slice(..request.len() - 1), false);
    let ended = call.end().await;
    assert!(ended.code == 4 && in_both(&ended.message), "{ended:?}");
    assert_eq!(kept(&world).await, 0, "half a request is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_on_which_nothing_comes_is_ended() {
    let world = bounded_world(&[], Options { idle_s: 1, ..patient() }).await;
    let hand = Hand::reach(world.address, 65_535).await;
    for method in ["Declarations/SubmitStream", "Logistics/PushWaybills"] {
        let ended = hand.call(method, &[]).await.end().await;
        assert!(ended.code == 4 && in_both(&ended.message), "{ended:?}");
    }
    let mut call = hand.call("Declarations/SubmitStream", &[]).await;
    call.send(framed(&item(1)), false);
    let half = framed(&item(2));
    call.send(half.slice(..half.len() / 2), false);
    let ended = call.end().await;
    assert_eq!((ended.code, ended.messages), (4, 1), "what was whole is answered first: {ended:?}");
    assert_eq!(kept(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_no_answers_is_not_read_from_either() {
    let options = Options { stall_s: 2, items_in_flight: 4, ..patient() };
    let world = bounded_world(&[], options).await;
    let hand = Hand::reach(world.address, 0).await;
    let mut call = hand.call("Declarations/SubmitStream", &[]).await;
    for number in 0..200 {
        call.send(framed(&item(number)), false);
    }
    let (head, body, _sending) = call.answered().await;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let taken = kept(&world).await;
    assert!(taken < 40, "{taken} items were taken from a caller that reads no answer");
    hand.widen(1 << 20).await;
    let ended = read(head, body).await;
    assert!(ended.code == 10 && in_both(&ended.message), "{ended:?}");
    assert!((1..=taken).contains(&ended.messages), "{ended:?}");
    assert_eq!(kept(&world).await, taken, "nothing more was taken afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_reads_nothing_is_ended_and_can_go_on() {
    let world = bounded_world(&[], Options { stall_s: 1, followers_per_key: 1, ..patient() }).await;
    for number in 0..40 {
        world.declarations("").submit(submit(&format!("A{number}"), &format!("W{number}"))).await.unwrap();
    }
    world.sequence().await;
    let hand = Hand::reach(world.address, 0).await;
    let mut call = hand.call("AuditLog/Tail", &[]).await;
    call.send(framed(&TailRequest { after_position: Some(-1) }), true);
    let (head, body, _sending) = call.answered().await;
    let second = world.audit_log("").tail(TailRequest::default()).await.unwrap_err();
    assert!(second.code() == tonic::Code::ResourceExhausted && in_both(second.message()), "{second:?}");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    hand.widen(1 << 20).await;
    let ended = read(head, body).await;
    assert!(ended.code == 10 && in_both(&ended.message) && (1..40).contains(&ended.messages), "{ended:?}");
    let after = i64::try_from(ended.messages).unwrap() - 1;
    let mut rest = world.audit_log("").tail(TailRequest { after_position: Some(after) }).await.unwrap().into_inner();
    assert_eq!(rest.message().await.unwrap().unwrap().entry.unwrap().position, Some(after + 1), "nothing is missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_vanishes_leaves_its_place_and_nothing_half_done() {
    let world = bounded_world(&[("acme", "acme", Role::Seller)], Options { streams_per_key: 1, ..patient() }).await;
    let key = world.authorization("acme");
    for round in 0..5 {
        let hand = Hand::reach(world.address, 65_535).await;
        let mut call = loop {
            // The place of the one before is free as soon as the gateway has seen it go.
            let call = hand.call("Declarations/SubmitStream", &[("authorization", &key)]).await;
            let (head, body, sending) = call.answered().await;
            if !head.contains_key("grpc-status") {
                break (head, body, sending);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        call.2.send_data(framed(&item(round)), false).unwrap();
        let half = framed(&item(100 + round));
        call.2.send_data(half.slice(..half.len() / 2), false).unwrap();
        let first = tokio::time::timeout(PATIENCE, call.1.data()).await.unwrap().unwrap().unwrap();
        assert!(!first.is_empty());
        if round % 2 == 0 {
            call.2.send_reset(h2::Reason::CANCEL);
        }
        hand.vanish();
    }
    let list = world.declarations("acme").list(ListRequest::default()).await.unwrap().into_inner().declarations;
    assert_eq!(list.len(), 5, "what was answered is kept, what was half sent is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_nobody_who_does_not_go() {
    let world = bounded_world(&[], Options { drain_s: 1, handshake_s: 3_600, ..patient() }).await;
    let silent = std::net::TcpStream::connect(world.address).unwrap();
    let deaf = begun(world.address);
    let hand = Hand::reach(world.address, 0).await;
    let mut call = hand.call("AuditLog/Tail", &[]).await;
    call.send(framed(&TailRequest { after_position: Some(-1) }), true);
    let hanging = hand.call("Declarations/Submit", &[]).await;
    world.stop().await;
    drop((silent, deaf, hanging, call));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_may_be_anything() {
    let world = bounded_world(&[], patient()).await;
    let hand = Hand::reach(world.address, 65_535).await;
    for deadline in ["0n", "1n", "1u", "99999999H", "999999999H", "-1S", "S", "1", "1x", "abc", "１S", "1 S", "18446744073709551616S"] {
        let mut call = hand.call("Declarations/Submit", &[("grpc-timeout", deadline)]).await;
        call.send(framed(&submit("A1", "W1")), true);
        let ended = call.end().await;
        // Whoever gives no time is not waited for; whatever is no time is none.
        assert!(matches!(ended.code, 0 | 1 | 4), "{deadline}: {ended:?}");
        if !matches!(deadline, "0n" | "1n" | "1u") {
            assert_eq!(ended.code, 0, "{deadline}");
        }
    }
    assert_eq!(kept(&world).await, 1, "the same request is kept once, however often its caller did not wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_unfolds_into_more_than_it_weighs() {
    let world = bounded_world(&[], patient()).await;
    let hand = Hand::reach(world.address, 65_535).await;
    let mut call = hand.call("Declarations/Submit", &[("grpc-encoding", "gzip")]).await;
    call.send(Bytes::from_static(&[1, 0, 0, 0, 3, 0x1f, 0x8b, 8]), true);
    let ended = call.end().await;
    assert!(ended.code == 12 && in_both(&ended.message), "{ended:?}");
}

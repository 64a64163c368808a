//! Callers that mean harm: many connections, many calls, headers and bodies that are not what they say. The door stays open for
//! everybody else, and nothing of theirs is kept.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
};

use bytes::Bytes;
use tongguan::{
    grpc::{
        Options,
        proto::{FindRequest, ListRequest, Order, OrderLine, SubmitStreamRequest, WatchRequest},
    },
    party::Role,
};
use tonic::Code;

use super::{
    raw::{Hand, begun, frame, framed, head, header, until_closed},
    samples::{order, submit},
    world::{World, bounded_world, open_world},
};

fn in_both(message: &str) -> bool {
    message.split_once(" / ").is_some_and(|(zh, en)| !zh.is_ascii() && !en.is_empty())
}

/// Whether a caller who keeps to the rules comes through, over a connection of its own.
async fn is_well(address: SocketAddr) -> bool {
    let hand = Hand::reach(address, 65_535).await;
    let mut call = hand.call("Declarations/List", &[]).await;
    call.send(framed(&ListRequest::default()), true);
    call.end().await.code == 0
}

async fn assert_unharmed(world: &World) {
    assert!(is_well(world.address).await);
    assert!(world.declarations("").list(ListRequest::default()).await.unwrap().into_inner().declarations.is_empty(), "something was kept");
}

/// Does something to the door on a thread of its own.
async fn attack<T: Send + 'static>(address: SocketAddr, how: impl FnOnce(SocketAddr) -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(move || how(address)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http2_is_closed() {
    let world = open_world().await;
    let garbage: Vec<u8> = (0..50_000_u32).map(|number| u8::try_from(number.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    // The beginning of a TLS handshake as well.
    for bytes in
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), garbage, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaa".to_vec()]
    {
        let closed = attack(world.address, move |address| {
            let mut stream = TcpStream::connect(address).unwrap();
            // It may be closed while this is still being written.
            drop(stream.write_all(&bytes));
            until_closed(&mut stream).is_some()
        });
        assert!(closed.await);
    }
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_and_what_goes_beyond_is_told_so() {
    let world = bounded_world(&[], Options { connections: 9, connections_per_address: 6, ..Options::default() }).await;
    // The world's own is one of the six.
    let held = attack(world.address, |address| (0..5).map(|_| begun(address)).collect::<Vec<_>>()).await;
    let said = attack(world.address, |address| until_closed(&mut TcpStream::connect(address).unwrap()).unwrap()).await;
    assert!(String::from_utf8_lossy(&said).contains("连接过多，请稍后重试 / too many connections"), "{said:?}");
    drop(held);
    for _ in 0..200 {
        // A place is free as soon as the gateway has seen its connection end.
        let free = attack(world.address, |address| {
            let mut stream = begun(address);
            stream.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
            let mut said = [0; 100];
            let read = std::io::Read::read(&mut stream, &mut said).unwrap_or(0);
            !String::from_utf8_lossy(&said[..read]).contains("too many")
        });
        if free.await {
            return assert_unharmed(&world).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("places do not become free");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_in_a_row_harm_nobody() {
    let world = open_world().await;
    let storm = attack(world.address, |address| {
        let mut some = std::collections::VecDeque::new();
        for number in 0..10_000 {
            let stream = if number % 2 == 0 { begun(address) } else { TcpStream::connect(address).unwrap() };
            some.push_back(stream);
            if some.len() > 100 {
                some.pop_front();
            }
        }
    });
    storm.await;
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_stranger_is_read() {
    let world = bounded_world(&[("acme", "acme", Role::Seller)], Options::default()).await;
    let hand = Hand::reach(world.address, 65_535).await;
    for method in ["Declarations/Submit", "Declarations/SubmitStream", "Declarations/Watch", "AuditLog/Tail", "Operations/Find"] {
        for key in ["", "Bearer tgk_x", "Basic eDp4"] {
            let mut call = hand.call(method, &[("authorization", key)]).await;
            // A head that promises two mebibytes; the body stays open.
            call.send(Bytes::from_static(&[0, 0, 0x20, 0, 0]), false);
            let ended = call.end().await;
            assert!(ended.code == 16 && in_both(&ended.message), "{method}: {ended:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_keys_calls_leave_room_for_anothers() {
    let keys = [("acme", "acme", Role::Seller), ("rival", "rival", Role::Seller)];
    let options = Options { calls_per_key: 3, streams_per_key: 2, followers_per_key: 2, ..Options::default() };
    let world = bounded_world(&keys, options).await;
    let (acme, rival) = (world.authorization("acme"), world.authorization("rival"));
    let hand = Hand::reach(world.address, 65_535).await;
    let mut open = Vec::new();
    // Calls are taken up in any order, and asking takes a place as well: until three are in hand for good.
    let refused = loop {
        let mut call = hand.call("Declarations/Submit", &[("authorization", &acme)]).await;
        call.send(Bytes::from_static(&[0, 0, 0x10, 0, 0]), false);
        open.push(call);
        if let Err(refused) = world.declarations("acme").list(ListRequest::default()).await {
            break refused;
        }
        assert!(open.len() < 50, "as many calls as one likes");
    };
    assert!(refused.code() == Code::Unavailable && in_both(refused.message()), "{refused:?}");
    let mut other = hand.call("Declarations/List", &[("authorization", &rival)]).await;
    other.send(framed(&ListRequest::default()), true);
    assert_eq!(other.end().await.code, 0);
    for mut call in open {
        call.body.send_reset(h2::Reason::CANCEL);
    }
    let mut declarations = world.declarations("acme");
    let mut streams = Vec::new();
    while streams.len() < 2 {
        // Places become free once the resets are seen.
        if let Ok(stream) = declarations.submit_stream(tokio_stream::pending()).await {
            streams.push(stream);
        }
    }
    let full = declarations.submit_stream(tokio_stream::pending()).await.unwrap_err();
    assert!(full.code() == Code::ResourceExhausted && in_both(full.message()), "{full:?}");
    let _one = declarations.watch(WatchRequest::default()).await.unwrap();
    let _two = declarations.watch(WatchRequest::default()).await.unwrap();
    let full = declarations.watch(WatchRequest::default()).await.unwrap_err();
    assert!(full.code() == Code::ResourceExhausted && in_both(full.message()), "{full:?}");
    assert!(world.declarations("rival").watch(WatchRequest::default()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_request_cannot_become_large() {
    let world = open_world().await;
    for lines in [4_097, 200_000] {
        let mut bomb = submit("A1", "W1");
        *order(&mut bomb) = Order { lines: vec![OrderLine::default(); lines], ..Order::default() };
        let refused = world.declarations("").submit(bomb).await.unwrap_err();
        assert!(
            refused.code() == Code::InvalidArgument && refused.message().contains("最多4096项") && in_both(refused.message()),
            "{refused}"
        );
    }
    let watch = WatchRequest { declaration_ids: vec![String::new(); 100_000], ..WatchRequest::default() };
    let refused = world.declarations("").watch(watch).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let mut log = world.audit_log("");
    let long = tongguan::grpc::proto::TimelineRequest { number: "1".repeat(300_000), ..Default::default() };
    let refused = log.timeline(long).await.unwrap_err();
    assert!(refused.code() == Code::OutOfRange && in_both(refused.message()), "{refused}");
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_told_so() {
    let world = open_world().await;
    let hand = Hand::reach(world.address, 65_535).await;
    for (what, bytes) in [
        ("no message", &b"\0\0\0\0\x04\xff\xff\xff\xff"[..]),
        ("a group", b"\0\0\0\0\x02\x0b\x0c"),
        ("no UTF-8", b"\0\0\0\0\x07\x0a\x05\x0a\x03\x0a\x01\xff"),
        ("a flag that nobody knows", b"\x07\0\0\0\x01a"),
        ("less than it says", b"\0\0\0\0\x09a"),
        ("nothing at all", b""),
        ("two messages", b"\0\0\0\0\0\0\0\0\0\0"),
    ] {
        let mut call = hand.call("Declarations/Submit", &[]).await;
        call.send(Bytes::from_static(bytes), true);
        let ended = call.end().await;
        assert!(ended.code == 3 && in_both(&ended.message), "{what}: {ended:?}");
    }
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_not_kept() {
    let world = open_world().await;
    let large = attack(world.address, |address| {
        let mut stream = begun(address);
        let mut block = head("/tongguan.v1.Declarations/List");
        block.extend(header("x-large", &"x".repeat(60_000), false));
        for (number, piece) in block.chunks(16_384).enumerate() {
            let last = (number + 1) * 16_384 >= block.len();
            let flags = if last { 4 } else { 0 };
            drop(stream.write_all(&frame(if number == 0 { 1 } else { 9 }, flags, 1, piece)));
        }
        // Refused, or the whole connection with it: both are answers.
        let mut said = [0; 64];
        std::io::Read::read(&mut stream, &mut said).is_ok()
    });
    assert!(large.await);
    let continued = attack(world.address, |address| {
        let mut stream = begun(address);
        drop(stream.write_all(&frame(1, 0, 1, &head("/tongguan.v1.Declarations/List"))));
        let more = frame(9, 0, 1, &header("x-more", &"x".repeat(16_000), false));
        (0..50_000).any(|_| stream.write_all(&more).is_err())
    });
    assert!(continued.await, "800 megabytes of headers were taken");
    let referring = attack(world.address, |address| {
        let mut stream = begun(address);
        // One header of 4,000 bytes goes into the table, and is then named 10,000 times with a byte each.
        let mut block = head("/tongguan.v1.Declarations/List");
        block.extend(header("x-bomb", &"x".repeat(3_900), true));
        block.extend([0xbe].repeat(10_000));
        drop(stream.write_all(&frame(1, 5, 1, &block)));
        let mut said = [0; 64];
        std::io::Read::read(&mut stream, &mut said).is_ok()
    });
    assert!(referring.await);
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_reset_at_once_are_cut_off() {
    let world = open_world().await;
    let body = framed(&submit("A1", "W1"));
    // CVE-2023-44487: each call is opened and taken back before it can be answered.
    let resets = attack(world.address, move |address| {
        let mut stream = begun(address);
        let head = head("/tongguan.v1.Declarations/List");
        let mut batch = Vec::new();
        for number in 0..200_000_u32 {
            let id = number * 2 + 1;
            batch.extend(frame(1, 4, id, &head));
            batch.extend(frame(0, 0, id, &body[..5]));
            batch.extend(frame(3, 0, id, &[0, 0, 0, 8]));
            if batch.len() > 60_000 {
                if stream.write_all(&batch).is_err() {
                    return true;
                }
                batch.clear();
            }
        }
        until_closed(&mut stream).is_some_and(|_| true)
    });
    let (cut, well) = tokio::join!(resets, is_well(world.address));
    assert!(cut && well, "{cut} {well}");
    assert_unharmed(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_many_have_brings_a_bounded_answer() {
    let world = open_world().await;
    let items = (0..1_010)
        .map(|number| SubmitStreamRequest { item_id: String::new(), submit: Some(submit(&format!("A{number}"), &format!("W{number}"))) });
    let mut answers = world.declarations("").submit_stream(tokio_stream::iter(items)).await.unwrap().into_inner();
    let mut kept = 0;
    while answers.message().await.unwrap().is_some() {
        kept += 1;
    }
    assert_eq!(kept, 1_010);
    let mut operations = world.operations("");
    let found = operations.find(FindRequest { numbers: vec!["784-12345675".into(), "A7".into()] }).await.unwrap().into_inner();
    assert_eq!((found.hits.len(), found.more), (1_000, true));
    let found = operations.find(FindRequest { numbers: vec!["A7".into()] }).await.unwrap().into_inner();
    assert_eq!((found.hits.len(), found.more), (1, false));
}

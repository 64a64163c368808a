//! Reads requests as prost does, after counting what is in them. An empty line of an order has two bytes on the wire and 264 in memory:
//! without a count a request of two mebibytes would become 270.

use std::{collections::HashMap, marker::PhantomData, sync::LazyLock};

use prost::{Message, Name, bytes::Buf};
use prost_types::{DescriptorProto, FileDescriptorSet, field_descriptor_proto::Label};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use super::{DESCRIPTORS, status};

/// The most repeated fields and inner messages of a request; the largest that makes sense has some 1,000.
pub(super) const MOST_ITEMS: usize = 4_096;

/// The codec of every call.
#[derive(Debug, Clone)]
pub struct Bounded<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Bounded<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Bounded<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Name + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Counting<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Counting(<ProstCodec<T, U>>::raw_decoder(BufferSettings::default()))
    }
}

/// Counts, then reads. Answers are not counted: our own clients read them, from a gateway that they trust.
#[derive(Debug)]
pub struct Counting<U>(ProstDecoder<U>);

impl<U: Message + Default + Name> Decoder for Counting<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        if U::NAME.ends_with("Request") {
            let mut left = MOST_ITEMS;
            // A message lies in one piece. What cannot be read is told by the decoder.
            if SHAPES.get(U::NAME).is_some_and(|shape| count(shape, buffer.chunk(), &mut left) == Err(Stop::Many)) {
                return Err(status::too_many_items());
            }
        }
        self.0.decode(buffer).map_err(|error| status::in_both(&error))
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// What is to be counted in a message: by number, its repeated fields and inner messages, with the shape of the latter.
type Shape = HashMap<u64, Option<&'static str>>;

static SHAPES: LazyLock<HashMap<&'static str, Shape>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    // Names live as long as the program: they are few, and made once.
    let messages: &'static [DescriptorProto] = set.file.into_iter().flat_map(|file| file.message_type).collect::<Vec<_>>().leak();
    messages.iter().map(|message| (message.name(), shape(message))).collect()
});

fn shape(message: &'static DescriptorProto) -> Shape {
    let counted = message.field.iter().filter_map(|field| {
        let inner = field.type_name.as_deref().and_then(|name| name.rsplit('.').next());
        let number = u64::try_from(field.number()).ok()?;
        (inner.is_some() || field.label() == Label::Repeated).then_some((number, inner))
    });
    counted.collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// There is more than may be.
    Many,
    /// It is no message.
    Broken,
}

/// Takes what is counted from `left`.
fn count(shape: &Shape, mut bytes: &[u8], left: &mut usize) -> Result<(), Stop> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let content = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                &[]
            }
            1 => take(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| Stop::Broken)?;
                take(&mut bytes, length)?
            }
            5 => take(&mut bytes, 4)?,
            // Groups: nothing of ours has them, and what is behind one would not be counted.
            _ => return Err(Stop::Many),
        };
        let Some(inner) = shape.get(&(key >> 3)) else { continue };
        *left = left.checked_sub(1).ok_or(Stop::Many)?;
        if let Some(shape) = inner.and_then(|name| SHAPES.get(name)).filter(|_| key & 7 == 2) {
            count(shape, content, left)?;
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Stop> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(bytes, 1)? else { return Err(Stop::Broken) };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Stop::Broken)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Stop> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Stop::Broken)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::{Declaration, FindRequest, Order, OrderLine, SubmitRequest};

    fn counted<M: Message + Name>(message: &M) -> Result<usize, Stop> {
        let mut left = MOST_ITEMS;
        count(SHAPES.get(M::NAME).unwrap(), &message.encode_to_vec(), &mut left).map(|()| MOST_ITEMS - left)
    }

    fn with_lines(lines: usize) -> SubmitRequest {
        let order = Order { lines: vec![OrderLine::default(); lines], note: "x".repeat(10_000), ..Order::default() };
        SubmitRequest { declaration: Some(Declaration { order: Some(order), inventory: None }), ..SubmitRequest::default() }
    }

    #[test]
    fn lines_are_counted_and_texts_are_not() {
        assert_eq!(counted(&SubmitRequest::default()), Ok(0));
        assert_eq!(counted(&with_lines(100)), Ok(102));
        assert_eq!(counted(&with_lines(MOST_ITEMS - 2)), Ok(MOST_ITEMS));
        assert_eq!(counted(&with_lines(MOST_ITEMS - 1)), Err(Stop::Many));
        assert_eq!(counted(&FindRequest { numbers: vec![String::new(); 200] }), Ok(200));
    }

    #[test]
    fn what_is_broken_is_left_to_the_decoder_and_groups_are_refused() {
        let shape = SHAPES.get("SubmitRequest").unwrap();
        for (bytes, expected) in [
            (&b"\x0a\x05ab"[..], Err(Stop::Broken)),
            (b"\xff", Err(Stop::Broken)),
            (&[0xff; 11], Err(Stop::Broken)),
            (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Err(Stop::Broken)),
            (b"\x0b\x0c", Err(Stop::Many)),
            (b"\xf8\x07\x01\xf9\x0712345678\xfd\x071234", Ok(())),
        ] {
            assert_eq!(count(shape, bytes, &mut 10), expected, "{bytes:?}");
        }
    }

    #[test]
    fn every_request_has_a_shape() {
        let requests = SHAPES.keys().filter(|name| name.ends_with("Request")).count();
        assert!(requests >= 14, "{requests}");
        assert!(SHAPES.values().flat_map(|shape| shape.values().flatten()).filter(|name| SHAPES.contains_key(*name)).count() > 20);
    }
}

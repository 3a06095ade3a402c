use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("gridpatrol-{}", uuid::Uuid::new_v4()));
        Self(path)
    }

    fn incoming(&self) -> usize {
        std::fs::read_dir(self.0.join(INCOMING)).unwrap().count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn arrive(objects: &Objects, content: &[u8]) -> Arrived {
    let mut incoming = objects.receive().await.unwrap();
    for piece in content.chunks(1000) {
        incoming.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    incoming.finish().await.unwrap()
}

async fn whole(content: Content) -> Vec<u8> {
    let pieces: Vec<Bytes> = content.stream.try_collect().await.unwrap();
    pieces.concat()
}

#[tokio::test]
async fn what_is_kept_can_be_read_whole_and_in_parts() {
    let folder = Folder::new();
    let objects = Objects::local(&folder.0).unwrap();
    let content: Vec<u8> = (0..400_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let arrived = arrive(&objects, &content).await;
    let digest = arrived.digest;
    assert_eq!(digest, Digest::of(&content));
    assert_eq!(arrived.size, 400_000);
    objects.keep(arrived).await.unwrap();
    assert_eq!(folder.incoming(), 0);

    let original = Variant::Original;
    let opened = objects
        .content(digest, original, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((opened.size, opened.range.clone()), (400_000, 0..400_000));
    assert_eq!(whole(opened).await, content);
    let part = objects
        .content(digest, original, Some(150_000..350_001))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((part.size, part.range.clone()), (400_000, 150_000..350_001));
    assert_eq!(whole(part).await, content[150_000..350_001]);
    assert_eq!(
        objects.read(digest, original).await.unwrap().unwrap(),
        content
    );
    assert!(
        objects
            .read(digest, Variant::Preview)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn keeping_twice_and_removing_twice_do_no_harm() {
    let folder = Folder::new();
    let objects = Objects::local(&folder.0).unwrap();
    let (first, second) = (arrive(&objects, b"a").await, arrive(&objects, b"a").await);
    let digest = first.digest;
    objects.keep(first).await.unwrap();
    objects.keep(second).await.unwrap();
    objects
        .put(digest, Variant::Thumbnail, b"small".to_vec())
        .await
        .unwrap();
    assert_eq!(
        objects
            .read(digest, Variant::Original)
            .await
            .unwrap()
            .unwrap(),
        "a"
    );
    objects.remove(digest).await.unwrap();
    objects.remove(digest).await.unwrap();
    for variant in Variant::ALL {
        assert!(objects.read(digest, *variant).await.unwrap().is_none());
    }
    objects.ping().await.unwrap();
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing() {
    let folder = Folder::new();
    let objects = Objects::local(&folder.0).unwrap();
    let mut incoming = objects.receive().await.unwrap();
    incoming
        .write(Bytes::from_static(b"half a pict"))
        .await
        .unwrap();
    assert_eq!(folder.incoming(), 1);
    drop(incoming);
    assert_eq!(folder.incoming(), 0);
    drop(arrive(&objects, b"not a picture").await);
    assert_eq!(folder.incoming(), 0);
}

#[tokio::test]
async fn only_old_left_overs_are_swept() {
    let folder = Folder::new();
    let objects = Objects::local(&folder.0).unwrap();
    std::fs::write(folder.0.join(INCOMING).join("left"), b"after a crash").unwrap();
    assert_eq!(
        objects.sweep_incoming(Duration::from_secs(3600)).unwrap(),
        0
    );
    assert_eq!(objects.sweep_incoming(Duration::ZERO).unwrap(), 1);
    assert_eq!(folder.incoming(), 0);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error() {
    let folder = Folder::new();
    let objects = Objects::local(&folder.0).unwrap();
    std::fs::remove_dir_all(folder.0.join(INCOMING)).unwrap();
    assert!(objects.receive().await.is_err());
    assert!(objects.ping().await.is_err());
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_bio.c - OpenSSL's view of a connection: it reads the bytes that have just arrived and
 * writes into the buffer that goes out next.
 *
 * OpenSSL's own memory BIO would copy what arrives once more and never give memory back. Here a
 * read takes from the loop's buffer; what is left of a record stays inside OpenSSL until the rest
 * comes, so after SSL_read() has asked for more, nothing of the buffer is needed any longer.
 */
#include "host/link_conn.h"

static int
read_arriving(BIO *bio, char *place, int room)
{
    struct link_conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (conn->arriving.size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    CHECK(room > 0);
    size_t size = (size_t)room < conn->arriving.size ? (size_t)room : conn->arriving.size;
    memcpy(place, conn->arriving.data, size);
    conn->arriving = span_after(conn->arriving, size);
    return (int)size;
}

static int
write_wire(BIO *bio, const char *bytes, int size)
{
    struct link_conn *conn = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    CHECK(size >= 0);
    buf_add(&conn->wire, span_from(bytes, (size_t)size));
    return conn->wire.overflowed ? -1 : size;
}

static long
control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int
begin(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *
link_bio_create_method(void)
{
    /* No index of its own: those are few for a process, and nobody looks for this BIO by type. */
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "link");
    if (method == NULL) {
        return NULL;
    }
    if (BIO_meth_set_read(method, read_arriving) != 1 ||
        BIO_meth_set_write(method, write_wire) != 1 || BIO_meth_set_ctrl(method, control) != 1 ||
        BIO_meth_set_create(method, begin) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

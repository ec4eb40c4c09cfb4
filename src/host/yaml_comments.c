/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_comments.c - comments, which libyaml skips: they are the # between its tokens.
 */
#include <yaml.h>

#include "base/utf8.h"
#include "host/yaml_format.h"

struct search {
    struct span rest; /* of the text, from the character `at` on */
    size_t at;        /* in characters, as libyaml counts */
    uint32_t line;    /* of `at`, from 1 */
    uint32_t last;    /* the line of the comment found last; 0: none */
    struct yaml_comments found;
};

/* Go on to the character `end`. `outside` of tokens, a # begins a comment. */
static void
go_on(struct search *search, size_t end, bool outside)
{
    while (search->at < end && search->rest.size > 0) {
        uint8_t byte = search->rest.data[0];
        if (outside && byte == '#' && search->last != search->line) {
            search->last = search->line;
            search->found.line = search->found.count == 0 ? search->line : search->found.line;
            search->found.count++;
        }
        search->line += byte == '\n';
        size_t size = utf8_sequence_size(search->rest, 0);
        search->rest = span_after(search->rest, size == 0 ? 1 : size);
        search->at++;
    }
}

/* The line that a block scalar begins with may end in a comment, which is inside its token. */
static void
go_over_header(struct search *search)
{
    size_t size = span_find(search->rest, '\n');
    go_on(search, search->at + size, true);
}

static void
take_token(struct search *search, const yaml_token_t *token)
{
    go_on(search, token->start_mark.index, true);
    bool is_block = token->type == YAML_SCALAR_TOKEN &&
                    (token->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                        token->data.scalar.style == YAML_FOLDED_SCALAR_STYLE);
    if (is_block) {
        go_over_header(search);
    }
    go_on(search, token->end_mark.index, false);
}

struct yaml_comments
yaml_find_comments(struct span text)
{
    /* libyaml does not count a byte order mark. */
    bool marked = span_starts_with(text, SPAN("\xef\xbb\xbf"));
    struct search search = { .rest = marked ? span_after(text, 3) : text, .line = 1 };
    yaml_parser_t parser;
    if (text.size == 0 || yaml_parser_initialize(&parser) == 0) {
        return search.found;
    }
    yaml_parser_set_input_string(&parser, text.data, text.size);
    bool ended = false;
    while (!ended) {
        yaml_token_t token;
        if (yaml_parser_scan(&parser, &token) == 0) {
            break;
        }
        ended = token.type == YAML_STREAM_END_TOKEN || token.type == YAML_NO_TOKEN;
        take_token(&search, &token);
        yaml_token_delete(&token);
    }
    go_on(&search, SIZE_MAX, true);
    yaml_parser_delete(&parser);
    return search.found;
}

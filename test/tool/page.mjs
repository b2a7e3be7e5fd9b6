//
// Copyright (c) 2026 The tarexport authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE or copy at https://www.boost.org/LICENSE_1_0.txt)
//

// Runs the code of the server's page, but for what draws, over connections that break; prints the digest of what it saved.
//
//   page.mjs ADDRESS PATH CUTS

import {createHash} from 'node:crypto';

const [address, path, cuts] = process.argv.slice(2);
const page = await (await fetch(address + '/')).text();
const code = page.match(/<script>(.*)<\/script>/s)[1].replace(/\nshow\(\);\n/, '\n');

let left = Number(cuts);
const asked = [];

// As fetch, but the bytes of an answer end in the middle as long as there are cuts left.
async function breaking(target, options) {
    asked.push(options?.headers?.Range ?? 'all');
    const answer = await fetch(address + target, options);
    if(left === 0 || !answer.ok || !target.includes('/get'))
        return answer;
    --left;
    const reader = answer.body.getReader();
    let passed = 0;
    const body = {
        getReader: () => ({
            async read() {
                const piece = await reader.read();
                passed += piece.value?.length ?? 0;
                if(passed > 200000) {
                    await reader.cancel();
                    throw new Error('cut');
                }
                return piece;
            },
        }),
    };
    return {ok: true, status: answer.status, headers: answer.headers, body};
}

const {download, layersOf, json} = new Function('fetch', 'setTimeout', code + '\nreturn {download, layersOf, json};')(breaking, f => setTimeout(f, 1));

const images = await json('/images/json');
for(const image of images)
    if((await layersOf(image.Id)).some(layer => layer.size === undefined))
        throw new Error('the sizes of the layers are not known');

let pieces = [];
await download(path, {at: 0}, (piece, anew) => {
    if(anew)
        pieces = [];
    pieces.push(piece);
}, new AbortController().signal);
console.log(createHash('sha256').update(Buffer.concat(pieces)).digest('hex'), asked.filter(range => !['all', 'bytes=0-'].includes(range)).length);

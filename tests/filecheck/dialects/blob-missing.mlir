// RUN: not pqc opt %s 2>&1 | filecheck %s

// The array of a constant must lie beside the text; what is refused is said in one sentence.
// CHECK: error: {{.*}}blob-missing.mlir: {{.*}}constant 'w' (0123456789abcdef) is not in the folder 'blobs'
%0 = blob.constant <"w", "0123456789abcdef"> : tensor<3xf32>
